import type { Json } from '../../src/core/json.ts';
import type { Change } from '../../src/store.ts';

/** What was seen from outside, in order: what the store made durable, and what was done to the world. Times in ms. */
export type Entry =
  /** One unit is on disk. `blind_since`: since when nobody could see by Alertmanager; null: they can. */
  | (Base & { readonly kind: 'commit'; readonly changes: readonly Change[] } & Sight)
  /** A call of the backend begins. */
  | (Base & { readonly kind: 'begin'; readonly call: Call } & Sight)
  /** It is over. `did`: it changed the world. */
  | (Base & { readonly kind: 'end'; readonly call: Call; readonly did: boolean })
  /** The target was asked whether it was done. */
  | (Base & { readonly kind: 'probed'; readonly key: string; readonly answer: string })
  /** The symptom itself, whatever anybody was told of it. */
  | (Base & { readonly kind: 'truth'; readonly fingerprint: string; readonly firing: boolean })
  /** Somebody else changed a thing. */
  | (Base & { readonly kind: 'changed'; readonly thing: string; readonly to: Json });

interface Base {
  readonly at: number;
  /** Counts the processes: it changes with each crash. */
  readonly life: number;
}
interface Sight {
  readonly blind_since: number | null;
}
export interface Call {
  readonly what: 'execute' | 'revert';
  /** Idempotency key. */
  readonly key: string;
  readonly target: string;
  readonly parents: readonly string[];
  readonly safe_to_repeat: boolean;
}
