// What is measured, by name. Values are named as k6 names them.
export const metrics = new Map();

class Metric {
  constructor(name, type, isTime = false) {
    Object.assign(this, { name, type, contains: isTime ? 'time' : 'default' });
    metrics.set(name, this);
  }
}

const start = performance.now();

export class Counter extends Metric {
  constructor(name) {
    super(name, 'counter');
    this.count = 0;
  }

  add(n) {
    this.count += n;
  }

  values() {
    return { count: this.count, rate: this.count / ((performance.now() - start) / 1000) };
  }
}

export class Rate extends Metric {
  constructor(name) {
    super(name, 'rate');
    Object.assign(this, { passes: 0, fails: 0 });
  }

  add(passed) {
    this[passed ? 'passes' : 'fails'] += 1;
  }

  values() {
    return { rate: this.passes / (this.passes + this.fails || 1), passes: this.passes, fails: this.fails };
  }
}

export class Trend extends Metric {
  constructor(name, isTime) {
    super(name, 'trend', isTime);
    this.samples = [];
  }

  add(value) {
    this.samples.push(value);
  }

  values(wanted) {
    const sorted = Float64Array.from(this.samples).sort();
    return Object.fromEntries(wanted.map((name) => [name, statistic(sorted, name)]));
  }
}

function statistic(sorted, name) {
  if (sorted.length === 0) return 0;
  const share = { min: 0, med: 50, max: 100 }[name] ?? Number(/^p\((.*)\)$/.exec(name)[1]);
  const at = (share / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

// checks counts each check by its name, and all of them as a metric.
export const checks = {
  byName: new Map(),
  all: new Rate('checks'),

  add(name, passed) {
    if (!this.byName.has(name)) this.byName.set(name, { name, passes: 0, fails: 0 });
    this.byName.get(name)[passed ? 'passes' : 'fails'] += 1;
    this.all.add(passed);
  },
};
