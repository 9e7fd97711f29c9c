import { check } from 'k6';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { accountOf, config, faster, right, steadily } from '../lib/config.js';
import { after, ask, checked, dataOf } from '../lib/client.js';

const sendDuration = new Trend('send_duration', true); // from the request until WhatsApp has the message
const sent = new Counter('messages_sent');
const lost = new Counter('messages_not_sent');

export const sendScenarios = { send: steadily('send') };
export const sendThresholds = { ...right, ...faster('send_duration'), messages_sent: ['count>0'], messages_not_sent: ['count==0'] };

// How long a message may take until it is sent, and how often that is asked.
const patience = 60_000;
const pause = 250;

// Each of these requests is repeated, as a client does that lost the answer.
const repeated = 10;

// send sends a text from an account to its contact and sees it through.
export const send = checked('send', async () => {
  const iteration = exec.scenario.iterationInTest;
  const { number, contact } = accountOf(iteration);
  const request = {
    body: { accountNumber: number, chatId: `${contact}@c.us`, message: { text: `${config.run} message ${iteration}` } },
    idempotencyKey: `${config.run}-${iteration}`,
  };
  const started = Date.now();
  const reply = await ask('send', 'POST', '/messages/send', request);
  check(reply, { 'send: it is accepted': (r) => r.status === 201 || r.status === 202 });
  const accepted = dataOf(reply);
  const status = await fate(number, accepted, started + patience);
  sendDuration.add(Date.now() - started);
  (status === 'sent' ? sent : lost).add(1);
  check(status, { 'send: it ends as sent': (s) => s === 'sent' });
  if (iteration % repeated === 0) await repeat(request, accepted.id);
});

// fate is what became of a message: the outbox is asked until it is known.
async function fate(number, { id, status }, deadline) {
  while (id && (status === 'queued' || status === 'sending' || status === 'unknown') && Date.now() < deadline) {
    await after(pause);
    status = dataOf(await ask('outbox', 'GET', `/outbox/${number}/${id}`)).status;
  }
  // The phone of the contact may have been faster than the last question.
  return ['delivered', 'read', 'played'].includes(status) ? 'sent' : status;
}

async function repeat(request, id) {
  const reply = await ask('send again', 'POST', '/messages/send', request);
  check(reply, {
    'send: a repeated key is the same message': (r) => dataOf(r).id === id,
    'send: a repeated key is said to be one': (r) => r.headers['Idempotency-Replayed'] === 'true',
  });
}
