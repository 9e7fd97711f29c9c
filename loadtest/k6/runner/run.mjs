// Runs a scenario as k6 does, where there is no k6: node runner/run.mjs SCRIPT.js.
// It knows what the scenarios here use of k6, and nothing beyond: two executors,
// asynchronous HTTP, WebSockets, checks, metrics, thresholds and handleSummary. It
// exits with 99 if a threshold is broken, as k6 does.
import { readFileSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { play } from './executors.mjs';
import { summarize } from './summary.mjs';

const thresholdBroken = 99;

register('./modules.mjs', import.meta.url);
globalThis.__ENV = process.env;
globalThis.open = (path) => readFileSync(path, 'utf8');

const script = await import(pathToFileURL(resolve(process.argv[2])).href);
await play(script);
const data = summarize(script.options);
for (const [name, content] of Object.entries(script.handleSummary(data))) {
  if (name === 'stdout') process.stdout.write(content);
  else writeFileSync(name, content);
}
const broken = Object.values(data.metrics).some((m) => Object.values(m.thresholds ?? {}).some(({ ok }) => !ok));
process.exit(broken ? thresholdBroken : 0);
