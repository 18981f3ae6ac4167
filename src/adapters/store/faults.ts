/** What the driver's codes mean to whoever has the pager, by prefix, and what to do about it. */
const ADVICE: readonly (readonly [string, (path: string) => string])[] = [
  [
    'SQLITE_BUSY',
    (path) =>
      `database ${path} is in use by another autoheal (or by another program that has it open): ` +
      'stop that one, or give this one its own AUTOHEAL_DATABASE_URL',
  ],
  [
    'SQLITE_NOTADB',
    (path) =>
      `${path} is not a database: move the file away, or point AUTOHEAL_DATABASE_URL elsewhere`,
  ],
  [
    'SQLITE_CORRUPT',
    (path) =>
      `database ${path} is damaged: restore it from a backup, or move it away to start empty ` +
      '(the .recover command of sqlite3 can save rows from it)',
  ],
  ['SQLITE_FULL', (path) => `the disk of database ${path} is full: free space on it`],
  ['SQLITE_READONLY', cannotWrite],
  ['SQLITE_CANTOPEN', cannotWrite],
  ['SQLITE_PERM', cannotWrite],
  ['EACCES', cannotWrite],
  ['EPERM', cannotWrite],
  ['EROFS', cannotWrite],
  ['EEXIST', noFolder],
  ['ENOTDIR', noFolder],
  ['EISDIR', (path) => `${path} is a folder: AUTOHEAL_DATABASE_URL must name a file`],
  ['ENOSPC', (path) => `the disk of database ${path} is full: free space on it`],
  [
    'SQLITE_IOERR',
    (path) => `the disk of database ${path} fails to read or write: check the disk and its log`,
  ],
];

/** Faults of one unit's data; the transaction and the other units in it are not touched by them. */
const UNIT_CODES = ['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG', 'SQLITE_RANGE'];

/** The driver's (or the file system's) code of an error; empty when it has none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** True when the database itself failed: nothing of the transaction can be trusted. */
export function isDatabaseFault(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_') && !UNIT_CODES.some((unit) => code.startsWith(unit));
}

/** Faults of the file itself, which no second try makes well. A log that is shorter than it was is one. */
const LASTING_CODES = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR_SHORT_READ'];

/** True when only a restart, on a file that was mended, helps. */
export function isLasting(error: unknown): boolean {
  const code = codeOf(error);
  return LASTING_CODES.some((lasting) => code.startsWith(lasting));
}

/** An error that says what happened to the database and what to do; the driver's is its cause. */
export function fault(error: unknown, path: string): Error {
  const code = codeOf(error);
  const advice = ADVICE.find(([prefix]) => code.startsWith(prefix));
  const message = error instanceof Error ? error.message : String(error);
  if (advice === undefined) return new Error(`database ${path}: ${message}`, { cause: error });
  return new Error(`${advice[1](path)} [${code}: ${message}]`, { cause: error });
}

function cannotWrite(path: string): string {
  return (
    `database ${path} cannot be written: the user who runs autoheal needs to write the file and ` +
    'its folder, on a disk that is not mounted read-only'
  );
}
function noFolder(path: string): string {
  return `the folder of database ${path} cannot be made: a file is in its way`;
}
