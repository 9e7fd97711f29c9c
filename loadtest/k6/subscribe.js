import { summaryTrendStats } from './lib/config.js';
import { subscribeScenarios, subscribeThresholds } from './scenarios/subscribe.js';

export { subscribe, traffic } from './scenarios/subscribe.js';
export { handleSummary } from './lib/summary.js';

export const options = { scenarios: subscribeScenarios, thresholds: subscribeThresholds, summaryTrendStats };
