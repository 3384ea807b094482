export { visitorCookie } from "./core/visitor.js";
export { commitHeader } from "./core/edits.js";
export type { CommitStats } from "./counters.js";
export type { LocalAnswer, ProxyRequest, Route, Routed, SendOn, Upstream } from "./library.js";
export type { ProxyStats } from "./proxy.js";
export { createProxy, type CreatedProxy, type CreateProxyOptions } from "./system/create-proxy.js";
export type { CertificateFilesOptions, NamedPair } from "./system/certificates-files.js";
export {
  startProxy,
  type AccessLogChoice,
  type ProxyOptions,
  type RunningProxy,
} from "./system/start.js";
