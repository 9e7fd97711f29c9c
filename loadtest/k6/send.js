import { summaryTrendStats } from './lib/config.js';
import { sendScenarios, sendThresholds } from './scenarios/send.js';

export { send } from './scenarios/send.js';
export { handleSummary } from './lib/summary.js';

export const options = { scenarios: sendScenarios, thresholds: sendThresholds, summaryTrendStats };
