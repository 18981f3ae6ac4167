import type { Memory, Witness } from '../core/alerts/reconcile-memory.ts';
import type { Json, JsonObject } from '../core/json.ts';

/** Key of the setting that keeps what each Alertmanager has shown. */
export const WITNESSES = 'reconcile_witnesses';

/** What of the memory is worth a restart: which process has shown which of these alerts. */
export function writeWitnesses(memory: Memory, wanted: ReadonlySet<string>): Json {
  const peers = [...memory.peers].map(([url, { started_at, seen }]) => ({
    url,
    started_at,
    seen: [...seen].filter((fingerprint) => wanted.has(fingerprint)).toSorted(),
  }));
  return { receivers: [...memory.receivers], peers };
}

/** Undefined when there is none, or one that is not understood: then everything must be seen again. */
export function readWitnesses(value: Json | undefined): Memory | undefined {
  const { receivers, peers } = fields(value);
  if (!isTexts(receivers) || !Array.isArray(peers)) return undefined;
  const witnesses = new Map<string, Witness>();
  for (const peer of peers) {
    const { url, started_at, seen } = fields(peer);
    if (typeof url !== 'string' || typeof started_at !== 'number' || !isTexts(seen))
      return undefined;
    witnesses.set(url, { started_at, seen: new Set(seen) });
  }
  return { receivers, peers: witnesses, absent_since: new Map() };
}

function fields(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function isTexts(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
