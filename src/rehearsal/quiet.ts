import type { Store } from '../store.ts';

/** Turns of the event loop without work after which nothing goes on by itself. */
const QUIET_TURNS = 3;
/** Turns at one instant; more means that something goes round without end. */
const TURNS_MAX = 200_000;

/** Tells when work at one instant is over: nothing but calls of the store and the loops' turns takes turns. */
export interface Quiet {
  /** The store, whose calls are counted. `wrote`: a unit is about to be committed. */
  watched(store: Store, wrote: (changes: Parameters<Store['commit']>[0]) => void): Store;
  /** Resolves when nothing goes on at this instant. @throws Error when it does not end. */
  settled(): Promise<void>;
}

export function createQuiet(): Quiet {
  let under_way = 0;
  let begun = 0;

  function ended(): void {
    under_way -= 1;
  }

  function counted<A extends unknown[], R>(
    call: (...args: A) => Promise<R>,
  ): (...args: A) => Promise<R> {
    return (...args) => {
      under_way += 1;
      begun += 1;
      const answer = call(...args);
      answer.then(ended, ended);
      return answer;
    };
  }

  return {
    watched(store, wrote) {
      const members = Object.entries(store).map(([name, member]) => [
        name,
        typeof member === 'function' ? counted(member as () => Promise<unknown>) : member,
      ]);
      const all = Object.fromEntries(members) as Store;
      return {
        ...all,
        commit(changes) {
          wrote(changes);
          return all.commit(changes);
        },
      };
    },
    async settled() {
      let seen = begun;
      for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns += 1) {
        if (turns > TURNS_MAX)
          throw new Error(`the rehearsal does not come to rest: ${TURNS_MAX} turns at one instant`);
        await new Promise((resolve) => setImmediate(resolve));
        quiet = under_way === 0 && begun === seen ? quiet + 1 : 0;
        seen = begun;
      }
    },
  };
}
