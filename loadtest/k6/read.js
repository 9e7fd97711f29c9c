import { summaryTrendStats } from './lib/config.js';
import { readScenarios, readThresholds } from './scenarios/read.js';

export { read } from './scenarios/read.js';
export { handleSummary } from './lib/summary.js';

export const options = { scenarios: readScenarios, thresholds: readThresholds, summaryTrendStats };
