import { test } from 'vitest';
import { checkShare, SHARE_TIMEOUT_MS } from './run.ts';

test('the promises hold, whatever happens: fourth share', () => checkShare(4), SHARE_TIMEOUT_MS);
