/** A month as Alertmanager would have posted it: groups that grow, repeat and resolve. The same from the same seed. */

export interface MonthOptions {
  readonly alerts: number;
  readonly start: number;
  readonly days: number;
  /** Names of alerts that rules are for, and the share of groups that are of them. */
  readonly mapped: readonly string[];
  readonly share: number;
}
export interface MonthDelivery {
  readonly at: number;
  readonly source: string;
  readonly body: Uint8Array;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Alertmanager's defaults: repeat_interval 4h, group_interval 5m. */
const REPEAT_MS = 4 * HOUR_MS;
const GROUP_MS = 5 * MINUTE_MS;
/** An alert comes so often on the average in what follows. */
const COPIES = 4.6;
const MEMBERS_MEAN = 5.5;
const UNMAPPED_NAMES = 180;
const SERVICES = 400;

interface Member {
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
}

/** xorshift32: enough for a shape, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Deliveries in the order of their arrival. */
export function* month(options: MonthOptions): Generator<MonthDelivery> {
  const random = randomOf(20_260_301);
  const incidents = Math.round(options.alerts / COPIES / MEMBERS_MEAN);
  const step_ms = (options.days * 24 * HOUR_MS) / incidents;
  const open: { at: number; body: () => Uint8Array }[] = [];
  for (let n = 0; n < incidents; n += 1) {
    const at = options.start + n * step_ms;
    open.sort((a, b) => a.at - b.at);
    while ((open[0]?.at ?? Number.POSITIVE_INFINITY) <= at) yield made(open.shift());
    open.push(...flushesOf(incident(options, random, at)));
  }
  open.sort((a, b) => a.at - b.at);
  for (const one of open) yield made(one);
}

function made(one: { at: number; body: () => Uint8Array } | undefined): MonthDelivery {
  if (one === undefined) throw new Error('nothing is open');
  return { at: Math.round(one.at), source: 'alertmanager', body: one.body() };
}

function incident(options: MonthOptions, random: () => number, at: number): readonly Member[] {
  const names = options.mapped;
  const name =
    random() < options.share
      ? (names[Math.floor(random() * names.length)] ?? '')
      : `Unmapped${Math.floor(random() * UNMAPPED_NAMES)}`;
  const service = Math.floor(random() * SERVICES);
  // Most groups are small, a few have twenty.
  const count = 1 + Math.floor(random() ** 2 * 14) + (random() < 0.05 ? 5 : 0);
  const lasts_ms = (5 + random() ** 3 * 600) * MINUTE_MS;
  return Array.from({ length: Math.min(20, count) }, (_, index) => {
    const from = at + Math.floor(random() * 3) * GROUP_MS;
    return {
      labels: {
        alertname: name,
        cluster: 'prod-eu-1',
        container: `svc-${service}-${index}`,
        instance: `10.0.${service % 250}.${index}:9090`,
        job: `svc-${service}`,
        namespace: 'prod',
        pod: `svc-${service}-${index}`,
        severity: 'page',
      },
      from,
      to: from + lasts_ms * (0.5 + random() / 2),
    };
  });
}

/** A group is sent when one of it began or ended, at most every group interval, and again after the repeat interval. */
function flushesOf(members: readonly Member[]): readonly { at: number; body: () => Uint8Array }[] {
  const first = Math.min(...members.map(({ from }) => from));
  const last = Math.max(...members.map(({ to }) => to));
  const flushes: { at: number; body: () => Uint8Array }[] = [];
  let sent = Number.NEGATIVE_INFINITY;
  for (let at = first + 30_000; sent < last; at += GROUP_MS) {
    const news = members.some(({ from, to }) => between(from, sent, at) || between(to, sent, at));
    if (!news && at - sent < REPEAT_MS) continue;
    const before = sent;
    const now = at;
    flushes.push({ at, body: () => bodyOf(members, before, now) });
    sent = at;
  }
  return flushes;
}

function between(time: number, after: number, to: number): boolean {
  return time > after && time <= to;
}

function bodyOf(members: readonly Member[], before: number, now: number): Uint8Array {
  const alerts = members
    .filter(({ from, to }) => from <= now && to > before)
    .map(({ labels, from, to }) => ({
      status: to <= now ? 'resolved' : 'firing',
      labels,
      annotations: {
        summary: `${labels['alertname']} on ${labels['pod']}`,
        description: 'It has been so for more than five minutes; see the dashboard.',
        runbook_url: `https://runbooks.example.com/${labels['alertname']}`,
      },
      startsAt: new Date(from).toISOString(),
      endsAt: to <= now ? new Date(to).toISOString() : '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
    }));
  const status = alerts.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
  const { alertname = '' } = members[0]?.labels ?? {};
  return Buffer.from(
    JSON.stringify({
      version: '4',
      groupKey: `{}:{alertname="${alertname}"}`,
      truncatedAlerts: 0,
      status,
      receiver: 'autoheal',
      groupLabels: { alertname },
      commonLabels: { alertname },
      commonAnnotations: {},
      externalURL: 'http://alertmanager:9093',
      alerts,
    }),
  );
}
