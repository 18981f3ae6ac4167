// `npm test` starts here, in JavaScript that an old Node can read; the work is in test.ts.
import { requireNode } from '../bin/node-version.js';

requireNode();
void import('./test.ts');
