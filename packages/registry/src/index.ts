export * from "./client-api.js";
export { connectIn, queryOver, type ConnectInOptions, type InstanceDefaults } from "./client.js";
export { leaseMsDefault } from "./core/lease-time.js";
export { emptyMirror, mirror, type Mirror } from "./core/mirror.js";
export { compileQuery, type Fits } from "./core/query.js";
export { parseNamedService, type NamedService } from "./core/service.js";
export { showTable, type Place, type ShownTable } from "./core/show.js";
export {
  Registry,
  type GrantedLease,
  type RegistryOptions,
  type RegistrySnapshot,
} from "./registry.js";
export { connect, type RealConnectOptions } from "./system/connect.js";
export { mountRegistry, type HttpApi, type HttpApiOptions } from "./system/http-api.js";
export {
  runRegistered,
  type RunningCommand,
  type RunRegisteredOptions,
} from "./system/run-registered.js";
export {
  serveRegistry,
  type ServedRegistry,
  type ServeRegistryOptions,
} from "./system/serve-registry.js";
