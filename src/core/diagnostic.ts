/** A finding in a file that a person wrote; plain data. Rendering is below, apart from finding it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly col: number;
  /** Columns the carets cover; at least 1. */
  readonly length: number;
  readonly message: string;
  /** What to write instead. */
  readonly fix: string;
}
