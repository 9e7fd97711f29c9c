import { check } from 'k6';
import exec from 'k6/execution';
import { accountOf, config, faster, right, steadily } from '../lib/config.js';
import { after, askPhone, checked } from '../lib/client.js';
import { Reader, readerThresholds, spokenAt } from '../lib/reader.js';

export const subscribeScenarios = {
  subscribe: {
    executor: 'per-vu-iterations',
    exec: 'subscribe',
    vus: config.accounts.length,
    iterations: 1,
    maxDuration: `${config.seconds + 60}s`,
  },
  traffic: steadily('traffic'),
};

export const subscribeThresholds = { ...right, ...readerThresholds, ...faster('delivery_duration'), ...faster('replay_duration') };

// A subscriber stays for between these times, and is away for as long at most.
const shortest = 500;
const longest = 5000;

// subscribe hears one account all the time, with a network that goes away now and
// then, and sees in the end whether it has heard everything once and in order.
export const subscribe = checked('subscribe', async () => {
  const reader = new Reader(accountOf(exec.scenario.iterationInTest).number);
  const end = Date.now() + config.seconds * 1000;
  while (Date.now() < end) {
    const code = await reader.listen(Math.min(between(shortest, longest), Math.max(shortest, end - Date.now())));
    check(code, { 'subscribe: the server does not hang up': (c) => c === 0 });
    await after(between(0, shortest));
  }
  check(await reader.compare(), { 'subscribe: the server tells all of the log': (c) => c === 0 });
});

// traffic has a phone write to an account.
export const traffic = checked('traffic', async () => {
  const { number, contact } = accountOf(exec.scenario.iterationInTest);
  const reply = await askPhone('phone writes', 'POST', contact, '/messages', { to: number, text: spokenAt(Date.now()) });
  check(reply, { 'traffic: the phone writes': (r) => r.status === 201 });
});

function between(least, most) {
  return least + Math.floor(Math.random() * (most - least));
}
