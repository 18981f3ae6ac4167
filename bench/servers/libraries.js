import Database from 'better-sqlite3';
import fastify from 'fastify';
import pino from 'pino';
import prom from 'prom-client';

/**
 * What cannot be done without: a server, a database, metrics and a log, of the same libraries. Plain JavaScript: stripping
 * types would be half of what is measured, and the service keeps its stripped code from start to start.
 */
const [, , port = '', database = ''] = process.argv;
const db = new Database(database);
db.pragma('journal_mode = wal');
prom.collectDefaultMetrics();
const app = fastify({ loggerInstance: pino({ level: 'error' }) });
app.get('/-/ready', () => ({ ready: true }));
await app.listen({ host: '127.0.0.1', port: Number(port) });
