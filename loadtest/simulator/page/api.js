// The control API of the simulator, as GET /openapi.json describes it.

// ask calls a route and returns its answer. It throws an Error that says what the simulator refused.
export async function ask(method, path, body) {
  const request = { method };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? `${method} ${path}: ${response.status}`);
  return answer;
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);

export const phonePath = (number, rest = "") => `/phones/${encodeURIComponent(number)}${rest}`;

// watch follows GET /events: handlers are called by the name of the event, and state with "live" or "lost". The browser
// connects again by itself.
export function watch(handlers, state) {
  const events = new EventSource("/events");
  events.onopen = () => state("live");
  events.onerror = () => state("lost");
  for (const [name, handle] of Object.entries(handlers)) {
    events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
}
