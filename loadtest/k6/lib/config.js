// What is to be played, against whom. cmd/loadtest writes it into the file that
// TARGET names; whoever has a server of their own writes such a file by hand:
//
//   {"rest": "http://localhost:3001", "socket": "ws://localhost:3002", "key": "",
//    "simulator": "http://127.0.0.1:4480", "run": "a word that no other run has",
//    "accounts": [{"number": "31610000001", "contact": "31620000001"}],
//    "seconds": 30, "rate": 20, "p95": 2000, "report": "/absolute/path/of/mixed"}
//
// p95 is in milliseconds; 0 asks for no speed, only that all is right. rate is a
// second, over all accounts. contact is a phone of the simulator that the account
// has a chat with.

export const config = JSON.parse(open(__ENV.TARGET));

export const bearer = config.key ? { Authorization: `Bearer ${config.key}` } : {};

// accountOf deals iterations out to accounts in turn.
export function accountOf(iteration) {
  return config.accounts[iteration % config.accounts.length];
}

// steadily is a scenario of that many iterations a second, whether or not the
// server keeps up (an open model): slow answers don't make the load lighter.
export function steadily(exec, seconds = config.seconds) {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: config.rate,
    timeUnit: '1s',
    duration: `${seconds}s`,
    gracefulStop: '60s',
    preAllocatedVUs: Math.min(Math.max(config.rate, 10), 500),
    maxVUs: Math.min(Math.max(config.rate * 60, 100), 5000),
  };
}

// faster is the threshold on a trend, where speed is asked for.
export function faster(trend) {
  return config.p95 > 0 ? { [trend]: [`p(95)<${config.p95}`] } : {};
}

// What holds in every scenario: each answer is right.
export const right = { checks: ['rate==1'], http_req_failed: ['rate==0'] };

export const summaryTrendStats = ['min', 'med', 'p(95)', 'p(99)', 'max'];
