/** Addresses that a verification looks at. Pure: nothing is resolved. */
export interface HostPort {
  /** An IPv6 address is without brackets. */
  readonly host: string;
  readonly port: number;
}
type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly fix: string };

export const PROBE_URL_CHARS_MAX = 2_000;
const HOST_CHARS_MAX = 253;
const FORM = 'write it like crm-db:5432 or [2001:db8::1]:5432';

/** `host:port`; an IPv6 address needs brackets, since without them nobody can tell where it ends. */
export function parseHostPort(text: string): Parsed<HostPort> {
  if (text.includes('/')) return wrong(`"${text}" is no host:port`, `${FORM}, without a scheme`);
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return explain(text);
  const [, bracketed, plain = '', digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return wrong(`${port} is no port`, 'write 1 to 65535');
  const host = bracketed ?? plain;
  const known = bracketed === undefined ? isHostName(host) : isIpv6(host);
  if (known) return { ok: true, value: { host, port } };
  return wrong(`"${host}" is no host`, FORM);
}

/** As it is written where a port follows: `[::1]:80`, `crm-db:5432`. */
export function hostPortText({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function explain(text: string): Parsed<never> {
  const colon = text.lastIndexOf(':');
  const [head, tail] = [text.slice(0, colon), text.slice(colon + 1)];
  if (isIpv6(head) && /^\d{1,5}$/.test(tail))
    return wrong(`"${text}" can be read in two ways`, `write [${head}]:${tail}`);
  if (isIpv6(text)) return wrong(`"${text}" has no port`, `write [${text}]:port`);
  if (colon === -1) return wrong(`"${text}" has no port`, `write ${text || 'host'}:port`);
  return wrong(`"${text}" is no host:port`, FORM);
}

/** Underscores are no host name's, and yet Compose makes such names. */
function isHostName(text: string): boolean {
  if (text.length > HOST_CHARS_MAX) return false;
  return /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/.test(text);
}

/** A zone (`fe80::1%eth0`) may follow. */
function isIpv6(text: string): boolean {
  const [address = '', zone, ...more] = text.split('%');
  if (more.length > 0 || (zone !== undefined && !/^[\w.-]{1,32}$/.test(zone))) return false;
  return /^[0-9A-Fa-f:.]+$/.test(address) && URL.canParse(`http://[${address}]/`);
}

/**
 * An http(s) address without user and password. Segments `.` and `..` are refused, since whoever reads
 * the address would resolve them: the path would be another than the one that was written.
 */
export function parseProbeUrl(text: string): Parsed<URL> {
  const form = 'write it like https://crm.example.com/health';
  if (text.length > PROBE_URL_CHARS_MAX)
    return wrong(`is longer than ${PROBE_URL_CHARS_MAX} characters`, 'shorten it');
  const url = /^https?:\/\/[^\s\\]+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return wrong('is not an http(s) address', form);
  if (url.username !== '' || url.password !== '')
    return wrong('carries a user or a password', 'use an address that needs none');
  const path = text.slice(authorityEnd(text)).split(/[?#]/, 1)[0] ?? '';
  if (path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)))
    return wrong('has "." or ".." as a part of its path', 'write the path itself');
  return { ok: true, value: url };
}

/** Where scheme, host and port of an address end: what may come from a label begins there. */
export function authorityEnd(text: string): number {
  const start = /^[a-z]+:\/\//i.exec(text)?.[0].length ?? text.length;
  const length = text.slice(start).search(/[/?#\\]/);
  return length === -1 ? text.length : start + length;
}

function wrong(message: string, fix: string): { ok: false; message: string; fix: string } {
  return { ok: false, message, fix };
}
