export type * from "./exchange.js";
export { Engine, type EngineCounts, type StopOptions, type EngineOptions } from "./engine.js";
export { compileEdits, wrongField, type HeaderChanges } from "./core/edits.js";
export { NetworkList, visitorNetwork } from "./core/networks.js";
export type { ForwardingOptions } from "./core/forwarding.js";
export type { TlsCertificate, TlsMaterial } from "./core/certificate-choice.js";
export type { Refusal } from "./system/core.js";
export { defaultLimits, type EngineLimits } from "./system/limits.js";
export type { ListenPlace } from "./system/listener.js";
export {
  TlsFront,
  type TlsCounts,
  type TlsFrontOptions,
  type TlsProblem,
  type TlsProblemKind,
  type TlsProtocol,
} from "./system/tls.js";
