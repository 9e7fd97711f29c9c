import { Counter, Rate, Trend } from './metrics.mjs';

const requests = new Counter('http_reqs');
const failed = new Rate('http_req_failed');
const duration = new Trend('http_req_duration', true);

async function asyncRequest(method, url, body, { headers, timeout }) {
  const started = performance.now();
  const response = await answer(method, url, body, headers, Number.parseInt(timeout, 10) * 1000);
  duration.add(performance.now() - started);
  requests.add(1);
  failed.add(response.status < 200 || response.status >= 400);
  return response;
}

// answer has the status 0 where there was none, as k6 has it.
async function answer(method, url, body, headers, timeout) {
  try {
    const response = await fetch(url, { method, body, headers, signal: AbortSignal.timeout(timeout) });
    const text = await response.text();
    return { status: response.status, body: text, headers: canonical(response.headers), json: () => JSON.parse(text) };
  } catch (error) {
    console.error(`${method} ${url}: ${error.cause ?? error}`);
    return { status: 0, body: null, headers: {}, json: () => JSON.parse(null) };
  }
}

// canonical spells the names of headers as Go does.
function canonical(headers) {
  return Object.fromEntries([...headers].map(([name, value]) => [name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()), value]));
}

export default { asyncRequest };
