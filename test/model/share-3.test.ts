import { test } from 'vitest';
import { checkShare, SHARE_TIMEOUT_MS } from './run.ts';

test('the promises hold, whatever happens: third share', () => checkShare(3), SHARE_TIMEOUT_MS);
