// Where people are told, in the stack: prints each message. POST /page, /ticket (from Alertmanager), /autoheal.
import { serve } from './web.mjs';

const KEPT = 100;
const messages = [];

serve('pager', {
  'GET /health': () => 'ok\n',
  'GET /messages': () => messages,
  'POST /page': ({ body }) => alerts('page', body),
  'POST /ticket': ({ body }) => alerts('ticket', body),
  'POST /autoheal': ({ body }) => keep('autoheal', body.trim()),
});

function alerts(kind, body) {
  for (const { status, labels } of JSON.parse(body).alerts) {
    keep(kind, `${status} ${labels.alertname} ${labels.service ?? ''}`.trim());
  }
  return 'told\n';
}

function keep(kind, text) {
  const message = { at: new Date().toISOString(), kind, text };
  messages.push(message);
  if (messages.length > KEPT) messages.shift();
  console.log(`${message.at} ${kind.toUpperCase()} ${text}`);
  return 'told\n';
}
