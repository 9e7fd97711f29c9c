import { check } from 'k6';
import exec from 'k6/execution';
import { Trend } from 'k6/metrics';
import { accountOf, config, faster, right, steadily } from '../lib/config.js';
import { ask, checked, dataOf } from '../lib/client.js';

const readDuration = new Trend('read_duration', true); // of any of the questions below

export const readScenarios = { read: steadily('read') };
export const readThresholds = { ...right, ...faster('read_duration') };

// Each iteration asks one of these, of the next account.
const questions = [
  {
    name: 'conversations',
    path: ({ number }) => `/conversations/${number}?limit=20`,
    answers: (data) => data.conversations.length > 0,
  },
  {
    name: 'messages',
    path: ({ number, contact }) => `/messages/${number}/${contact}@c.us?limit=20`,
    answers: (data) => data.messages.length > 0 && newestFirst(data.messages),
  },
  {
    name: 'contacts',
    path: ({ number }) => `/contacts/${number}?limit=20`,
    answers: (data) => Array.isArray(data.contacts),
  },
  {
    name: 'status',
    path: ({ number }) => `/clients/${number}/status`,
    answers: (data, { number }) => data.clientId === number && data.state === 'ready',
  },
];

function newestFirst(messages) {
  const moments = messages.map(({ timestamp }) => Date.parse(timestamp));
  return moments.every((moment, i) => i === 0 || moment <= moments[i - 1]);
}

// read asks one question.
export const read = checked('read', async () => {
  const iteration = exec.scenario.iterationInTest;
  const account = accountOf(Math.floor(iteration / questions.length));
  const { name, path, answers } = questions[iteration % questions.length];
  const started = Date.now();
  const reply = await ask(name, 'GET', path(account));
  readDuration.add(Date.now() - started);
  check(reply, {
    [`read: ${name} are answered`]: (r) => r.status === 200,
    [`read: ${name} are what they should be`]: (r) => r.status === 200 && answers(dataOf(r), account),
  });
});
