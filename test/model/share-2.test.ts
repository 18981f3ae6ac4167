import { test } from 'vitest';
import { checkShare, SHARE_TIMEOUT_MS } from './run.ts';

test('the promises hold, whatever happens: second share', () => checkShare(2), SHARE_TIMEOUT_MS);
