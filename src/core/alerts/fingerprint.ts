import type { Labels } from '../json.ts';

const UTF8 = new TextEncoder();
const SEPARATOR = 0xff;
/** FNV-1a, 64 bit (Fowler, Noll, Vo): offset basis cbf29ce484222325, prime 2^40 + 0x1b3. */
const BASIS_HIGH = 0xcbf29ce4;
const BASIS_LOW = 0x84222325;
const PRIME_LOW = 0x1b3;

/** The 64-bit state as two 32-bit words: BigInt would cost ten times as much. */
interface Hash {
  high: number;
  low: number;
}

/**
 * Alertmanager's own identity of a label set: 64-bit FNV-1a over the labels sorted by name, each as
 * name, 0xff, value, 0xff (prometheus/common, model/signature.go, labelSetToFingerprint). 16 hex digits.
 */
export function fingerprintOf(labels: Labels): string {
  const hash: Hash = { high: BASIS_HIGH, low: BASIS_LOW };
  for (const name of Object.keys(labels).toSorted(byBytes)) {
    addText(hash, name);
    add(hash, SEPARATOR);
    addText(hash, labels[name] ?? '');
    add(hash, SEPARATOR);
  }
  return hex(hash.high) + hex(hash.low);
}

/** ASCII, as most labels are, is its own UTF-8: encoding took half of the time. */
function addText(hash: Hash, text: string): void {
  const { high, low } = hash;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) {
      // Begun anew with the whole text.
      hash.high = high;
      hash.low = low;
      for (const byte of UTF8.encode(text)) add(hash, byte);
      return;
    }
    add(hash, code);
  }
}

/** h = (h xor byte) * prime mod 2^64, in products of 32 bits; `carry` is what goes over the low word. */
function add(hash: Hash, byte: number): void {
  const mixed = (hash.low ^ byte) >>> 0;
  const small = (mixed & 0xffff) * PRIME_LOW;
  const carry = ((mixed >>> 16) * PRIME_LOW + (small >>> 16)) >>> 16;
  hash.high = (Math.imul(hash.high, PRIME_LOW) + carry + (mixed << 8)) >>> 0;
  hash.low = Math.imul(mixed, PRIME_LOW) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

/** Go sorts by UTF-8 bytes. UTF-16 order differs where a surrogate pair meets U+E000 to U+FFFF. */
function byBytes(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i += 1;
  if (i === a.length || i === b.length) return a.length - b.length;
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
}

/** Lifts surrogates above the rest of their plane, which is where their code points are. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
