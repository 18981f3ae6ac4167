/** Made by `npm run slo` from prometheus/slos.yaml. Change that, not this. */
export const SLOS = [
  {
    slo: 'availability',
    summary: 'The worker loop runs and the store answers.',
    objective_pct: 99.9,
    budget: 0.001,
  },
  {
    slo: 'webhook_latency',
    summary: 'Deliveries are on disk within 250 ms.',
    objective_pct: 99.5,
    budget: 0.005,
  },
  {
    slo: 'action_success',
    summary: 'Steps that are tried succeed.',
    objective_pct: 99.5,
    budget: 0.005,
  },
  {
    slo: 'audit_latency',
    summary: 'Audit entries are on disk within 100 ms.',
    objective_pct: 99.9,
    budget: 0.001,
  },
] as const;

/** Windows of `autoheal:burn_fast` and `autoheal:burn_slow`, and of the error budget; ms and as written. */
export const SLO_WINDOWS = {
  burn_fast: { ms: 3_600_000, text: '1h' },
  burn_slow: { ms: 21_600_000, text: '6h' },
  budget_left: { ms: 2_592_000_000, text: '30d' },
} as const;
