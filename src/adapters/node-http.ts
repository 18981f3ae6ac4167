import { createRequire } from 'node:module';
import type * as Http from 'node:http';
import type * as Https from 'node:https';

// `import ... from 'node:http'` reads every export of it, and one of them loads all of fetch: ten times the
// CPU and 14 MB more at each start. `require` does not.
const require = createRequire(import.meta.url);

export const http = require('node:http') as typeof Http;
export const https = require('node:https') as typeof Https;
