// Where the modules of k6 are found.
const modules = ['k6', 'k6/execution', 'k6/http', 'k6/metrics', 'k6/timers', 'k6/websockets'];

export function resolve(specifier, context, next) {
  if (!modules.includes(specifier)) return next(specifier, context);
  return { url: new URL(`./${specifier.replace('/', '-')}.mjs`, import.meta.url).href, shortCircuit: true };
}
