export { visitorCookie } from "./core/visitor.js";
export { commitHeader } from "./core/headers.js";
export type { CommitStats } from "./counters.js";
export type { ProxyStats } from "./proxy.js";
export { startProxy, type ProxyOptions, type RunningProxy } from "./system/start.js";
