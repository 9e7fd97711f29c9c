import { summaryTrendStats } from './lib/config.js';
import { readScenarios, readThresholds } from './scenarios/read.js';
import { sendScenarios, sendThresholds } from './scenarios/send.js';
import { subscribeScenarios, subscribeThresholds } from './scenarios/subscribe.js';

export { read } from './scenarios/read.js';
export { send } from './scenarios/send.js';
export { subscribe, traffic } from './scenarios/subscribe.js';
export { handleSummary } from './lib/summary.js';

export const options = {
  scenarios: { ...sendScenarios, ...readScenarios, ...subscribeScenarios },
  thresholds: { ...sendThresholds, ...readThresholds, ...subscribeThresholds },
  summaryTrendStats,
};
