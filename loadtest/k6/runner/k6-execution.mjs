import { AsyncLocalStorage } from 'node:async_hooks';

// current tells each iteration which one it is, also after it has waited.
export const current = new AsyncLocalStorage();

export default {
  get scenario() {
    return current.getStore();
  },
};
