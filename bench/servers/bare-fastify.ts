import fastify from 'fastify';

/** The ceiling: a bare Fastify that parses the body against a schema and answers 202. Nothing is kept. */
const SCHEMA = {
  type: 'object',
  required: ['alerts'],
  properties: {
    alerts: {
      type: 'array',
      items: {
        type: 'object',
        required: ['labels'],
        properties: { status: { type: 'string' }, labels: { type: 'object' } },
      },
    },
  },
};

const app = fastify({ logger: false, bodyLimit: 16 * 1024 * 1024 });
app.post('/webhook', { schema: { body: SCHEMA } }, (request, reply) => {
  const { alerts } = request.body as { alerts: unknown[] };
  return reply.code(202).send({ delivery: 'none', alerts: alerts.length, unusable: [] });
});
app.get('/-/ready', () => ({ ready: true }));
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
