// The report of a run: JSON for programs, one HTML file without anything from
// elsewhere for people, and lines for the terminal.
import { config } from './config.js';

export function handleSummary(data) {
  const report = {
    scenario: config.scenario,
    accounts: config.accounts.length,
    seconds: config.seconds,
    rate: config.rate,
    passed: verdicts(data).every((v) => v.ok),
    thresholds: verdicts(data),
    checks: checksOf(data.root_group),
    metrics: metricsOf(data),
  };
  return {
    [`${config.report}.json`]: `${JSON.stringify(report, null, 2)}\n`,
    [`${config.report}.html`]: page(report),
    stdout: lines(report),
  };
}

function verdicts(data) {
  return Object.entries(data.metrics)
    .flatMap(([metric, { thresholds }]) =>
      Object.entries(thresholds ?? {}).map(([expression, { ok }]) => ({ metric, expression, ok })))
    .sort((a, b) => Number(a.ok) - Number(b.ok) || a.metric.localeCompare(b.metric));
}

function checksOf(group) {
  return [...group.checks.map(({ name, passes, fails }) => ({ name, passes, fails })), ...group.groups.flatMap(checksOf)];
}

function metricsOf(data) {
  return Object.entries(data.metrics)
    .map(([name, { type, contains, values }]) => ({ name, type, unit: contains === 'time' ? 'ms' : '', values }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function lines({ scenario, passed, thresholds, checks, metrics }) {
  const mark = (ok) => (ok ? '✓' : '✗');
  return [
    '',
    ...thresholds.map((t) => `  ${mark(t.ok)} ${t.metric} ${t.expression}`),
    '',
    ...checks.map((c) => `  ${mark(c.fails === 0)} ${c.name}: ${c.passes} of ${c.passes + c.fails}`),
    '',
    ...metrics.map((m) => `  ${m.name} ${valuesOf(m).join('  ')}`),
    '',
    `${scenario}: ${passed ? 'passed' : 'FAILED'}. The report is ${config.report}.html`,
    '',
  ].join('\n');
}

function valuesOf({ unit, values }) {
  return Object.entries(values).map(([name, value]) => `${name}=${Math.round(value * 100) / 100}${unit}`);
}

function page({ scenario, accounts, seconds, rate, passed, thresholds, checks, metrics }) {
  const verdict = (ok) => `<td class="${ok ? 'ok' : 'bad'}">${ok ? 'holds' : 'broken'}</td>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Load test: ${text(scenario)}</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884 }
td { font-variant-numeric: tabular-nums }
.ok { color: #1a7f37 } .bad { color: #d1242f; font-weight: bold }
</style>
<h1>${text(scenario)}: <span class="${passed ? 'ok' : 'bad'}">${passed ? 'passed' : 'failed'}</span></h1>
<p>${accounts} accounts, ${seconds} s, ${rate} a second.</p>
<h2>Thresholds</h2>
<table><tr><th>metric<th>has to be<th></tr>
${thresholds.map((t) => `<tr><td>${text(t.metric)}<td>${text(t.expression)}${verdict(t.ok)}</tr>`).join('\n')}
</table>
<h2>Checks</h2>
<table><tr><th>check<th>passed<th>failed</tr>
${checks.map((c) => `<tr><td>${text(c.name)}<td>${c.passes}<td class="${c.fails ? 'bad' : ''}">${c.fails}</tr>`).join('\n')}
</table>
<h2>Metrics</h2>
<table><tr><th>metric<th>values</tr>
${metrics.map((m) => `<tr><td>${text(m.name)}<td>${valuesOf(m).map(text).join(' &nbsp; ')}</tr>`).join('\n')}
</table>
</html>
`;
}

function text(value) {
  return String(value).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
}
