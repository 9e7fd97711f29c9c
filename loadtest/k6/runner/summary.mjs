// What handleSummary is given.
import { checks, metrics } from './metrics.mjs';

export function summarize({ thresholds, summaryTrendStats }) {
  const data = { metrics: {}, root_group: { name: '', groups: [], checks: [...checks.byName.values()] } };
  for (const [name, metric] of metrics) {
    data.metrics[name] = { type: metric.type, contains: metric.contains, values: metric.values(summaryTrendStats) };
  }
  for (const [name, expressions] of Object.entries(thresholds)) {
    if (!data.metrics[name]) throw new Error(`no metric ${name} for its threshold`);
    data.metrics[name].thresholds = Object.fromEntries(expressions.map((e) => [e, { ok: holds(e, data.metrics[name].values) }]));
  }
  return data;
}

function holds(expression, values) {
  const [, name, operator, limit] = /^([a-z]+(?:\([\d.]+\))?)(==|<|>)([\d.]+)$/.exec(expression);
  const value = values[name];
  if (value === undefined) throw new Error(`${expression}: there is no ${name}`);
  if (operator === '==') return value === Number(limit);
  return operator === '<' ? value < Number(limit) : value > Number(limit);
}
