import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Episode } from '../../src/core/alerts/episode.ts';
import type { Rig } from '../engine/rig.ts';
import { type FakeServer, serve } from '../fakes/http.ts';
import { type Alertmanager, startAlertmanagerPair } from './alertmanager.ts';
import { haveParts } from './parts.ts';
import { configOf, type Healer, LIMITS, startHealer } from './reconciling.ts';
import { until } from './until.ts';

/*
 * Reconcile against a meshed pair of real Alertmanagers. The durations are shortened, nothing else: autoheal's
 * engine on a real database, its webhook on a socket, its clock the machine's.
 */
const SOON = { timeout_ms: 20_000 };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Stage extends Healer {
  /** An alert of this test's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Alertmanager's POSTs that autoheal took. */
  readonly posts: () => number;
  /** The service goes, as by kill -9; its database stays. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** Where Alertmanager posts to; behind it the autoheal of the test that runs. */
const behind: { rig?: Rig } = {};
let posts = 0;
let webhook: FakeServer;
let peers: readonly [Alertmanager, Alertmanager];

async function accept(body: string): Promise<boolean> {
  if (behind.rig === undefined) return false;
  await behind.rig.machine.intake.accept({
    body: Buffer.from(body),
    source: 'alertmanager',
    trace_id: null,
    parent_span_id: null,
  });
  posts += 1;
  return true;
}

async function start(queue: string): Promise<Stage> {
  let healer = await startHealer(peers, behind);
  undo.push(async () => {
    delete behind.rig;
    await healer.reconcile.stop();
    await healer.rig.stop();
  });
  return {
    labels: { alertname: 'QueueStuck', queue },
    posts: () => posts,
    get rig() {
      return healer.rig;
    },
    get watch() {
      return healer.watch;
    },
    get reconcile() {
      return healer.reconcile;
    },
    async goAway() {
      delete behind.rig;
      await healer.reconcile.stop();
      await healer.rig.machine.stop();
      await healer.rig.abandon();
    },
    async comeBack() {
      healer = await startHealer(peers, behind, healer.rig.dir);
    },
  };
}

/** As Prometheus does: to every Alertmanager of the pair that listens. */
async function fire({ labels }: Stage): Promise<void> {
  const starts_at = Date.now();
  const ends_at = starts_at + 3_600_000;
  await Promise.all(peers.map((peer) => peer.post({ labels, starts_at, ends_at })));
}
async function resolve({ labels }: Stage, of: readonly Alertmanager[] = peers): Promise<void> {
  const ends_at = Date.now();
  await Promise.all(of.map((peer) => peer.post({ labels, ends_at })));
}

async function silence(stage: Stage): Promise<string> {
  const now = Date.now();
  const matchers = Object.entries(stage.labels).map(([name, value]) => ({
    name,
    value,
    isRegex: false,
  }));
  const answer = await fetch(`${peers[0].url}/api/v2/silences`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      matchers,
      startsAt: new Date(now).toISOString(),
      endsAt: new Date(now + 3_600_000).toISOString(),
      createdBy: 'ann',
      comment: 'looking',
    }),
  });
  const { silenceID } = (await answer.json()) as { silenceID: string };
  await until('both have the silence', () => isSilenced(stage), SOON);
  return silenceID;
}
async function isSilenced(stage: Stage): Promise<boolean> {
  const shown = await Promise.all(peers.map((peer) => peer.alerts()));
  return shown.every((alerts) =>
    alerts.some(
      ({ labels, status }) =>
        labels['queue'] === stage.labels['queue'] && status.state === 'suppressed',
    ),
  );
}
async function unsilence(id: string): Promise<void> {
  await fetch(`${peers[0].url}/api/v2/silence/${id}`, { method: 'DELETE' });
  await until(
    'both let it go',
    async () => {
      for (const { url } of peers) {
        const answer = await fetch(`${url}/api/v2/silence/${id}`);
        const { status } = (await answer.json()) as { status: { state: string } };
        if (status.state !== 'expired') return false;
      }
      return true;
    },
    SOON,
  );
}

async function newest(stage: Stage): Promise<Episode | undefined> {
  const { items } = await stage.rig.store.listEpisodes({ limit: 100 });
  return items.find(({ labels }) => labels['queue'] === stage.labels['queue']);
}
function untilNewest(stage: Stage, what: string, want: Partial<Episode>): Promise<Episode> {
  return until(
    what,
    async () => {
      const episode = await newest(stage);
      const fits = Object.entries(want).every(
        ([key, value]) => episode?.[key as keyof Episode] === value,
      );
      if (!fits || episode === undefined) throw new Error(JSON.stringify(episode ?? 'no episode'));
      return episode;
    },
    SOON,
  );
}
/** Every peer has been asked again and again for longer than the span that an absence takes. */
async function untilAskedForLong(stage: Stage): Promise<void> {
  const from = Date.now();
  await until(
    'a poll long after',
    () => {
      const as_of = stage.watch.view('0'.repeat(16))?.as_of ?? 0;
      return as_of - from > 2 * LIMITS.resend_delay_ms;
    },
    SOON,
  );
}
/** It fires, autoheal was told by the webhook, and has seen it in the API itself. */
async function firing(stage: Stage): Promise<Episode> {
  await fire(stage);
  const episode = await untilNewest(stage, 'the webhook opens it', { state: 'open' });
  await until(
    'the API showed it, and that is on disk',
    async () => {
      const kept = JSON.stringify((await stage.rig.store.setting('reconcile_witnesses')) ?? null);
      return kept.includes(episode.fingerprint);
    },
    SOON,
  );
  expect(episode.source).toBe('alertmanager');
  return episode;
}

describe.skipIf(!haveParts('alertmanager'))('reconcile with a pair of Alertmanagers', () => {
  beforeAll(async () => {
    webhook = await serve(async ({ body }) => ((await accept(body)) ? { status: 202 } : 'reset'));
    peers = await startAlertmanagerPair({
      config: configOf(`http://127.0.0.1:${webhook.port}/webhook`),
    });
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    await webhook.close();
  });

  test('a resolve that a silence swallowed closes; so opens the firing that it swallows next', async () => {
    const stage = await start('q_swallowed');
    const first = await firing(stage);
    const told = stage.posts();
    const id = await silence(stage);
    await untilAskedForLong(stage);
    expect(await newest(stage)).toMatchObject({ id: first.id, state: 'open' });
    await resolve(stage);
    const closed = await untilNewest(stage, 'it closes', { id: first.id, state: 'closed' });
    expect(closed.close_reason).toBe('vanished');

    await fire(stage);
    await until('it is silenced', () => isSilenced(stage), SOON);
    await untilAskedForLong(stage);
    expect((await newest(stage))?.id).toBe(first.id);
    await unsilence(id);
    const next = await untilNewest(stage, 'it opens', { state: 'open' });
    expect(next).toMatchObject({ fingerprint: first.fingerprint, source: 'alertmanager' });
    // All that by the API: the webhook never told of either.
    expect(stage.posts()).toBe(told);
    expect(await stage.rig.story({ actor: ['reconcile'] })).toEqual([
      'alert_resolved:vanished',
      'alert_firing',
    ]);
  });

  test('a resolve that came while autoheal was away closes it when it is back', async () => {
    const stage = await start('q_away');
    const episode = await firing(stage);
    await stage.goAway();
    await silence(stage);
    await resolve(stage);
    await stage.comeBack();
    const closed = await untilNewest(stage, 'it closes', { state: 'closed' });
    expect(closed).toMatchObject({ id: episode.id, close_reason: 'vanished' });
  });

  test('Alertmanagers that restart empty close nothing; what they show again is known again', async () => {
    const stage = await start('q_empty');
    const episode = await firing(stage);
    await Promise.all(peers.map((peer) => peer.kill9()));
    await until('autoheal is blind', () => stage.watch.blind().length === 2, SOON);
    await Promise.all(peers.map((peer) => peer.restart({ empty: true })));
    await until('autoheal sees', () => stage.watch.blind().length === 0, SOON);
    await untilAskedForLong(stage);
    expect(stage.watch.view(episode.fingerprint)).toMatchObject({
      state: 'absent',
      witnessed: false,
    });
    expect(await newest(stage)).toMatchObject({ id: episode.id, state: 'open' });

    await fire(stage);
    await until(
      'it is shown',
      () => stage.watch.view(episode.fingerprint)?.state === 'active',
      SOON,
    );
    await untilAskedForLong(stage);
    expect(await newest(stage)).toMatchObject({ id: episode.id, state: 'open' });
  });

  test('with one of the pair down nothing vanishes, until it is back', async () => {
    const stage = await start('q_down');
    const episode = await firing(stage);
    const [a, b] = peers;
    await silence(stage);
    await b.kill9();
    await resolve(stage, [a]);
    await until(
      'it is gone from the other',
      async () =>
        !(await a.alerts()).some(({ fingerprint }) => fingerprint === episode.fingerprint),
      SOON,
    );
    await untilAskedForLong(stage);
    // The other one answers, so autoheal is not blind; that it is gone, both would have to say.
    expect(stage.watch.blind()).toEqual([]);
    expect(stage.watch.view(episode.fingerprint)?.state).toBe('unknown');
    expect(await newest(stage)).toMatchObject({ id: episode.id, state: 'open' });
    await b.restart({ empty: true });
    const closed = await untilNewest(stage, 'it closes', { state: 'closed' });
    expect(closed.close_reason).toBe('vanished');
  });
});
