import type { Episode } from '../core/alerts/episode.ts';
import { RECONCILE_SOURCE, reconcileBodies } from '../core/alerts/reconcile-body.ts';
import {
  forget,
  type Memory,
  notAbsent,
  type Poll,
  shownBy,
} from '../core/alerts/reconcile-memory.ts';
import {
  type Finding,
  RECONCILE_LIMITS,
  reconcile,
  type ReconcileLimits,
} from '../core/alerts/reconcile.ts';
import type { RemediationState } from '../core/healing/remediation.ts';
import { redactBody } from '../core/alerts/redact.ts';
import type { Change, Store } from '../store.ts';
import { WATCHDOG } from './decide.ts';
import type { Engine } from './deps.ts';
import { createLoop, type Loop } from './loop.ts';
import type { Watch } from './watch.ts';
import { readWitnesses, writeWitnesses, WITNESSES } from './witnesses.ts';

/** Between two polls. */
export const RECONCILE_EVERY_MS = 15_000;
/** However often it is poked, Alertmanager is asked no more often than this. */
export const POKED_EVERY_MS = 5_000;
/** Open episodes looked at in one round; those beyond wait for the webhook. */
export const OPEN_MAX = 20_000;
/** Remediations that may want fresh evidence, looked at in one round. */
const IN_USE_MAX = 5_000;
/** Findings written in one round; the next one finds the rest. */
export const FINDINGS_MAX = 5_000;
const PAGE = 1_000;
/** Fingerprints asked of the store at once; between two calls other work goes on. */
const LATEST_AT_ONCE = 500;
const LIVE: readonly RemediationState[] = ['ready', 'waiting', 'acting', 'verifying', 'escalating'];

type ReconcileEngine = Pick<
  Engine,
  'store' | 'clock' | 'ids' | 'log' | 'metrics' | 'rulebook' | 'tracer'
>;

interface ReconcileOptions {
  readonly watch: Watch;
  /** A delivery is on disk: the drain shall look. */
  readonly stored: () => void;
  readonly every_ms?: number;
  readonly limits?: ReconcileLimits;
}

/**
 * Finds in Alertmanager's API what no delivery told, and writes it as deliveries of its own, so that it is
 * on disk, in order, decided and audited like every other. It decides nothing itself.
 */
export function createReconcile(engine: ReconcileEngine, options: ReconcileOptions): Loop {
  const { clock, store } = engine;
  const { watch, every_ms = RECONCILE_EVERY_MS } = options;
  let began_at = Number.NEGATIVE_INFINITY;
  let poked = false;
  let kept: string | undefined;
  const writer = createWriter(engine, options.stored);

  async function round(): Promise<number> {
    const due_at = began_at + Math.min(every_ms, poked ? POKED_EVERY_MS : every_ms);
    if (clock.now() < due_at) return due_at;
    began_at = clock.now();
    poked = false;
    if (kept === undefined) await load();
    const { poll, memory } = await watch.poll();
    // Without rules nothing is drained, and what is found twice would be written twice.
    const ready = engine.rulebook.current() !== undefined && !(await writer.isWaiting());
    // Where only Prometheus is configured it is asked so that its absence is noticed.
    if (ready && watch.configured) await look(poll, memory);
    return began_at + every_ms;
  }

  async function load(): Promise<void> {
    const setting = await store.setting(WITNESSES);
    const before = readWitnesses(setting);
    kept = before === undefined ? '' : JSON.stringify(setting);
    if (before !== undefined) watch.update(() => before);
  }

  async function look(poll: Poll, memory: Memory): Promise<void> {
    const open = await openEpisodes(store);
    const seen = withoutWatchdog(poll);
    const ours = open.filter(isAlertmanagers);
    const latest = await latestOf(seen, new Set(ours.map((each) => each.fingerprint)), store);
    const in_use = await episodesInUse(store);
    const limits = options.limits ?? limitsOf(engine);
    const facts = { poll: seen, memory, open: ours, latest, in_use, limits };
    const { findings, disputed } = reconcile(facts);
    await writer.write(poll, findings);
    const wanted = new Set(ours.map((each) => each.fingerprint));
    watch.update((now) => forget(notAbsent(now, disputed), (each) => wanted.has(each)));
    await keep(memory, wanted);
  }

  /** What was witnessed survives a restart of ours: else an alert that goes meanwhile would stay for ever. */
  async function keep(memory: Memory, wanted: ReadonlySet<string>): Promise<void> {
    const value = writeWitnesses(memory, wanted);
    const text = JSON.stringify(value);
    if (text === kept) return;
    await store.commit([{ kind: 'setting_put', key: WITNESSES, value }]);
    kept = text;
  }

  const loop = createLoop({ ...engine, name: 'reconcile', round });
  return {
    ...loop,
    poke() {
      poked = true;
      loop.poke();
    },
    async stop() {
      watch.close();
      await loop.stop();
    },
  };
}

/** The resend delay is the policy's, with half of it for what is under way. */
function limitsOf({ rulebook }: ReconcileEngine): ReconcileLimits {
  const resend_delay_ms = rulebook.current()?.policy.alertmanager.resend_delay_ms;
  if (resend_delay_ms === undefined) return RECONCILE_LIMITS;
  return { ...RECONCILE_LIMITS, resend_delay_ms: 1.5 * resend_delay_ms };
}

interface Writer {
  /** Each body as a delivery, on disk when it resolves; at most `FINDINGS_MAX` findings, the weightiest first. */
  write(poll: Poll, findings: readonly Finding[]): Promise<void>;
  /** What it wrote last waits to be drained: the episodes do not show it yet. */
  isWaiting(): Promise<boolean>;
}

function createWriter(engine: ReconcileEngine, stored: () => void): Writer {
  const { clock, store } = engine;
  let written_at = 0;

  async function write(poll: Poll, findings: readonly Finding[]): Promise<void> {
    if (findings.length === 0) return;
    const taken = findings.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]).slice(0, FINDINGS_MAX);
    const peers = poll.peers.map(({ url }) => url);
    const bodies = reconcileBodies(taken, { poll_began_at: poll.began_at, peers });
    written_at = clock.now();
    await Promise.all(bodies.map((body) => store.commit([deliveryAdd(body)])));
    for (const _ of bodies) stored();
    tell(taken);
  }

  function deliveryAdd(body: string): Change {
    return {
      kind: 'delivery_add',
      delivery: {
        id: engine.ids.next(),
        received_at: written_at,
        source: RECONCILE_SOURCE,
        trace_id: null,
        body: redactBody(new TextEncoder().encode(body), engine.rulebook.redaction(), [
          'reconcile',
        ]),
      },
    };
  }

  function tell(findings: readonly Finding[]): void {
    const counts = { unseen: 0, vanished: 0, restarted: 0, evidence: 0 };
    for (const { kind } of findings) counts[kind] += 1;
    for (const [kind, count] of Object.entries(counts))
      engine.metrics.reconcileFinding(kind as Finding['kind'], count);
    if (counts.unseen + counts.vanished > 0)
      engine.log.info(counts, 'the API of Alertmanager told what no delivery did');
  }

  return {
    write,
    async isWaiting() {
      const { pending, oldest_received_at } = await store.inboxDepth();
      return pending > 0 && oldest_received_at !== null && oldest_received_at <= written_at;
    },
  };
}

const RANK = { vanished: 0, unseen: 1, restarted: 2, evidence: 3 } as const;

/** The Watchdog proves that the webhook works; what the API says of it proves nothing. */
function withoutWatchdog(poll: Poll): Poll {
  const peers = poll.peers.map((peer) =>
    peer.ok
      ? { ...peer, alerts: peer.alerts.filter(({ labels }) => labels['alertname'] !== WATCHDOG) }
      : peer,
  );
  return { ...poll, peers };
}

function isAlertmanagers({ source, alertname }: Episode): boolean {
  return source === 'alertmanager' && alertname !== WATCHDOG;
}

async function openEpisodes(store: Store): Promise<readonly Episode[]> {
  const open: Episode[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listEpisodes({
      state: 'open',
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    open.push(...page.items);
    cursor = page.next_cursor ?? undefined;
    await breathe();
  } while (cursor !== undefined && open.length < OPEN_MAX);
  return open;
}

async function latestOf(
  poll: Poll,
  open: ReadonlySet<string>,
  store: Store,
): Promise<ReadonlyMap<string, Episode>> {
  const latest = new Map<string, Episode>();
  if (poll.receivers.length === 0) return latest;
  const unknown = [...shownBy(poll).keys()].filter((fingerprint) => !open.has(fingerprint));
  for (let from = 0; from < unknown.length; from += LATEST_AT_ONCE) {
    const some = await store.latestEpisodes(unknown.slice(from, from + LATEST_AT_ONCE));
    for (const [fingerprint, episode] of some) latest.set(fingerprint, episode);
    await breathe();
  }
  return latest;
}

/** Episodes with work under way or a change that stands: those live on fresh evidence. */
async function episodesInUse(store: Store): Promise<ReadonlySet<string>> {
  const in_use = new Set<string>();
  for (const { holders } of await store.activeLeases())
    for (const { episode_id, released } of holders) if (released === null) in_use.add(episode_id);
  for (const state of LIVE) {
    let cursor: string | undefined;
    do {
      const page = await store.listRemediations({
        state,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { episode_id } of page.items) in_use.add(episode_id);
      cursor = page.next_cursor ?? undefined;
      await breathe();
    } while (cursor !== undefined && in_use.size < IN_USE_MAX);
  }
  return in_use;
}

/** A store may answer without ever leaving the turn; the webhook must not wait for twenty pages. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
