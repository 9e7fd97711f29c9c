import http from 'k6/http';
import { check } from 'k6';
import { setTimeout } from 'k6/timers';
import { bearer, config } from './config.js';

// ask makes a request to the server and gives its answer. Its name is what
// requests are counted by.
export function ask(name, method, path, { body, idempotencyKey } = {}) {
  const headers = { 'Content-Type': 'application/json', ...bearer };
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  return request(name, method, `${config.rest}/api${path}`, body, headers);
}

// askPhone makes a request to a phone of the simulator.
export function askPhone(name, method, number, path, body) {
  return request(name, method, `${config.simulator}/phones/${number}${path}`, body, { 'Content-Type': 'application/json' });
}

function request(name, method, url, body, headers) {
  return http.asyncRequest(method, url, body === undefined ? null : JSON.stringify(body), { headers, tags: { name }, timeout: '60s' });
}

// dataOf is what the envelope holds, or nothing where the server refused.
export function dataOf(response) {
  try {
    return response.json().data ?? {};
  } catch {
    return {};
  }
}

export function after(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// checked makes an iteration whose exceptions count as checks that failed; k6
// alone would only log them.
export function checked(name, iteration) {
  return async () => {
    let problem = null;
    try {
      await iteration();
    } catch (error) {
      problem = error;
      console.error(`${name}: ${error.stack ?? error}`);
    }
    check(problem, { [`${name}: nothing was thrown`]: (p) => p === null });
  };
}
