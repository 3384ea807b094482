export { visitorCookie } from "./core/visitor.js";
export { commitHeader } from "./core/edits.js";
export type { CommitStats } from "./counters.js";
export type { LocalAnswer, ProxyRequest, Route, Routed, SendOn, Upstream } from "./library.js";
export type { ProxyStats } from "./proxy.js";
export { createProxy, type CreatedProxy, type CreateProxyOptions } from "./system/create-proxy.js";
export type { CertificateFilesOptions, NamedPair } from "./system/certificates-files.js";
export { inherit, serveAsHeir, type Inheritance } from "./system/inheritance.js";
export {
  startProxy,
  type AccessLogChoice,
  type ProxyOptions,
  type RunningProxy,
} from "./system/start.js";
export { Succession, type Succeeded } from "./system/succession.js";
export {
  ProxyServer,
  type Awareness,
  type ProxyServerOptions,
  type ServerSettings,
} from "./system/server.js";
export { RouteTable, type TableOptions } from "./core/route-table.js";
export { takeFeed, type Feed } from "./feed.js";
