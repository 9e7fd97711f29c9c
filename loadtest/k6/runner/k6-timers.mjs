export const { setTimeout } = globalThis;
