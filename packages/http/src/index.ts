export type * from "./exchange.js";
export type { TlsCertificate, TlsMaterial } from "./core/certificate-choice.js";
export {
  TlsFront,
  type TlsCounts,
  type TlsFrontOptions,
  type TlsProblem,
  type TlsProblemKind,
  type TlsProtocol,
} from "./system/tls.js";
