import { checks } from './metrics.mjs';

export function check(value, sets) {
  let all = true;
  for (const [name, holds] of Object.entries(sets)) {
    const passed = Boolean(holds(value));
    checks.add(name, passed);
    all &&= passed;
  }
  return all;
}
