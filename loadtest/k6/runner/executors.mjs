// Who runs which iteration when.
import { current } from './k6-execution.mjs';
import { Counter, Trend } from './metrics.mjs';

const iterations = new Counter('iterations');
const iterationDuration = new Trend('iteration_duration', true);
const dropped = new Counter('dropped_iterations');

// play runs all scenarios of a script at once.
export async function play(script) {
  await Promise.all(Object.values(script.options.scenarios).map((scenario) => {
    const iteration = (i) => run(script[scenario.exec], i);
    switch (scenario.executor) {
      case 'constant-arrival-rate':
        return steadily(scenario, iteration);
      case 'per-vu-iterations':
        return together(scenario, iteration);
      default:
        throw new Error(`this runner has no executor ${scenario.executor}`);
    }
  }));
}

async function run(iterate, iterationInTest) {
  const started = performance.now();
  await current.run({ iterationInTest }, iterate);
  iterations.add(1);
  iterationDuration.add(performance.now() - started);
}

// steadily begins iterations at a rate, however long they take. Those that nobody
// is left to run are dropped.
async function steadily({ rate, duration, maxVUs }, iterate) {
  const begun = performance.now();
  const total = Math.floor(rate * Number.parseFloat(duration));
  const running = new Set();
  for (let i = 0; i < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate) + 1);
    for (; i < due; i++) {
      if (running.size >= maxVUs) {
        dropped.add(1);
        continue;
      }
      const iteration = iterate(i).finally(() => running.delete(iteration));
      running.add(iteration);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, begun + (i * 1000) / rate - performance.now())));
  }
  await Promise.all(running);
}

function together({ vus, iterations: each }, iterate) {
  return Promise.all(Array.from({ length: vus }, async (_, vu) => {
    for (let i = 0; i < each; i++) await iterate(vu + i * vus);
  }));
}
