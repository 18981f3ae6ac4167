/** `skip`: nothing to look at here, or it could not be looked at; the sentence says which. */
export type FindingStatus = 'ok' | 'warn' | 'fail' | 'skip';

/** What one look found; plain data. */
export interface Finding {
  /** Of what: `rules`, `docker`, `alertmanager`, ... */
  readonly check: string;
  readonly status: FindingStatus;
  /** What was seen, in a sentence. */
  readonly what: string;
  /** What to write where; null where nothing is to be done. */
  readonly fix: string | null;
}

/** The findings of one check, in the order in which they were made. */
export interface Notebook {
  readonly ok: (what: string) => void;
  readonly skip: (what: string, fix?: string) => void;
  readonly warn: (what: string, fix: string) => void;
  readonly fail: (what: string, fix: string) => void;
  readonly findings: () => readonly Finding[];
}

export function notebook(check: string): Notebook {
  const found: Finding[] = [];
  function note(status: FindingStatus, what: string, fix: string | null): void {
    found.push({ check, status, what, fix });
  }
  return {
    ok: (what) => note('ok', what, null),
    skip: (what, fix) => note('skip', what, fix ?? null),
    warn: (what, fix) => note('warn', what, fix),
    fail: (what, fix) => note('fail', what, fix),
    findings: () => found,
  };
}

/** The worst of them: a fail, else a warning, else ok. */
export function worstOf(findings: readonly Finding[]): 'ok' | 'warn' | 'fail' {
  if (findings.some(({ status }) => status === 'fail')) return 'fail';
  return findings.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}

/** At most `NAMES_MAX` names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
const NAMES_MAX = 8;
