import { test } from 'vitest';
import { checkShare, SHARE_TIMEOUT_MS } from './run.ts';

test('the promises hold, whatever happens: first share', () => checkShare(1), SHARE_TIMEOUT_MS);
