/**
 * What may be said of an error outside the log. A message may quote what was sent, a token or a label's value
 * among it, so only those of the language itself are kept, without what they name; the log has the rest.
 */
export interface FaultText {
  /** `TypeError` */
  readonly type: string;
  /** `SQLITE_FULL`; null where it has none. */
  readonly code: string | null;
  readonly message: string;
  /** Lines of the stack, `at ...`, the innermost first. */
  readonly frames: readonly string[];
}

const TYPE = /^[A-Za-z]\w{0,63}$/;
const CODE = /^[A-Za-z][\w-]{0,63}$/;
const FRAMES_MAX = 50;
const FRAME_CHARS_MAX = 300;

/** Never throws, whatever was thrown. */
export function faultText(error: unknown): FaultText {
  if (!(error instanceof Error)) return { ...UNKNOWN, type: `thrown ${typeof error}` };
  const { name, message, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const shown = CODE.test(code) ? code : null;
  return {
    type: TYPE.test(name) ? name : 'Error',
    code: shown,
    message: spoken(message) ?? shown ?? UNKNOWN.message,
    frames: framesOf(stack ?? '', message),
  };
}

const UNKNOWN: FaultText = {
  type: 'Error',
  code: null,
  message: 'its message is in the log only',
  frames: [],
};

/** Sentences of V8 that are made of our source text; what stands in quotes is not. */
const SENTENCES: readonly RegExp[] = [
  /^Cannot (?:read|set) properties of (?:undefined|null)\b/,
  /^Maximum call stack size exceeded$/,
  /^Invalid (?:time value|array length|string length|count value)\b/,
  /^Assignment to constant variable\.$/,
  /^Reduce of empty array with no initial value$/,
  /^[\w.$]+(?:\(\.\.\.\))?(?:\.[\w.$]+)* is not (?:a function|a constructor|iterable|defined)\b/,
];

function spoken(message: string): string | undefined {
  for (const sentence of SENTENCES) {
    const [found] = sentence.exec(message) ?? [];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `    at name (file:line:column)`; never a line of the message that only looks like one. */
const FRAME = /^ {4}at [^\n]+$/;

function framesOf(stack: string, message: string): readonly string[] {
  const at = message === '' ? -1 : stack.indexOf(message);
  const rest = at === -1 ? stack : stack.slice(at + message.length);
  return rest
    .split('\n')
    .filter((line) => FRAME.test(line) && line.length <= FRAME_CHARS_MAX)
    .slice(0, FRAMES_MAX)
    .map((line) => line.trim());
}
