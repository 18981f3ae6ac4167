import { describe, expect, test } from 'vitest';
import {
  hostPortText,
  parseHostPort,
  parseProbeUrl,
  PROBE_URL_CHARS_MAX,
} from '../../../src/core/healing/probe-address.ts';

describe('parseHostPort', () => {
  test.each([
    ['crm-db:5432', 'crm-db', 5432],
    ['crm_db.shop_default.:1', 'crm_db.shop_default.', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['[::1]:80', '::1', 80],
    ['[2001:db8::1]:443', '2001:db8::1', 443],
    ['[::ffff:10.0.0.1]:9090', '::ffff:10.0.0.1', 9090],
    ['[fe80::1%eth0]:22', 'fe80::1%eth0', 22],
  ])('%s', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ ok: true, value: { host, port } });
    expect(hostPortText({ host, port })).toBe(text);
  });

  test.each([
    ['::1:80', 'can be read in two ways', 'write [::1]:80'],
    ['2001:db8::1:9100', 'can be read in two ways', 'write [2001:db8::1]:9100'],
    ['fe80::a', 'has no port', 'write [fe80::a]:port'],
    ['crm', 'has no port', 'write crm:port'],
    ['', 'has no port', 'write host:port'],
    [':80', 'is no host', 'crm-db:5432'],
    ['crm:', 'is no host:port', 'crm-db:5432'],
    ['crm:http', 'is no host:port', 'crm-db:5432'],
    ['crm:80:90', 'is no host:port', 'crm-db:5432'],
    ['crm:0', '0 is no port', '1 to 65535'],
    ['crm:65536', '65536 is no port', '1 to 65535'],
    ['tcp://crm:80', 'is no host:port', 'without a scheme'],
    ['crm:80/x', 'is no host:port', 'without a scheme'],
    ['a b:80', 'is no host', 'crm-db:5432'],
    ['me@crm:80', 'is no host', 'crm-db:5432'],
    ['-crm:80', 'is no host', 'crm-db:5432'],
    [`${'x'.repeat(64)}:80`, 'is no host', 'crm-db:5432'],
    ['[crm]:80', 'is no host', 'crm-db:5432'],
    ['[::1', 'is no host:port', 'crm-db:5432'],
    ['[::1]', 'has no port|is no host:port', 'crm-db:5432'],
    ['[::g]:80', 'is no host', 'crm-db:5432'],
    ['[::1%]:80', 'is no host', 'crm-db:5432'],
  ])('%s is refused', (text, message, fix) => {
    const parsed = parseHostPort(text);
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.message).toMatch(new RegExp(message));
    expect(parsed.fix).toContain(fix);
  });
});

describe('parseProbeUrl', () => {
  test.each([
    'http://crm/health',
    'https://crm.example.com:8443/a/b?x=1&y=..#part',
    'http://[::1]:80/',
    'HTTP://crm',
    'http://crm/..a/b..',
  ])('%s', (text) => {
    expect(parseProbeUrl(text).ok).toBe(true);
  });

  test.each([
    ['crm/health', 'is not an http'],
    ['ftp://crm/', 'is not an http'],
    ['file:///etc/passwd', 'is not an http'],
    ['http://', 'is not an http'],
    ['http://cr m/', 'is not an http'],
    ['http://crm/a\nb', 'is not an http'],
    ['http://crm\\a', 'is not an http'],
    ['http://::1:80/', 'is not an http'],
    ['https://me:pw@crm/', 'a user or a password'],
    ['https://me@crm/', 'a user or a password'],
    ['http://crm/a/../b', 'as a part of its path'],
    ['http://crm/a/.', 'as a part of its path'],
    ['http://crm/%2E%2e/b', 'as a part of its path'],
    ['http://crm/.%2e?x', 'as a part of its path'],
    [`http://crm/${'x'.repeat(PROBE_URL_CHARS_MAX)}`, 'is longer than'],
  ])('%s is refused', (text, message) => {
    const parsed = parseProbeUrl(text);
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.message).toContain(message);
  });
});
