export { Counter, Trend } from './metrics.mjs';
