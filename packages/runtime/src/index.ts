export { aborted } from "./aborted.js";
export * from "./clock.js";
export * from "./conversation.js";
export * from "./core/backoff.js";
export {
  familyText,
  type MetricFamily,
  type MetricLabels,
  type MetricSample,
} from "./core/metrics-text.js";
export { isSameAddress } from "./core/ways.js";
export * from "./dial.js";
export * from "./disk.js";
export * from "./link.js";
export * from "./log.js";
export * from "./network.js";
export * from "./random.js";
export { refuseWire } from "./refuse-wire.js";
export { spliceWires } from "./splice-wires.js";
export { Tunnel, tunnelHandlers, type ServicePath, type TunnelOptions } from "./tunnel.js";
export * from "./world.js";
export { SimClock } from "./simulated/sim-clock.js";
export { SimDisk } from "./simulated/sim-disk.js";
export { calm, SimNetwork, type Faults } from "./simulated/sim-network.js";
export { simRandom } from "./simulated/sim-random.js";
export { simulate, type Simulation } from "./simulated/sim-world.js";
export { deferred, type Deferred } from "./deferred.js";
export { namesIn } from "./system/names-in.js";
export { syncFolder } from "./system/sync-folder.js";
export { nodeClock } from "./system/node-clock.js";
export { cannotListen, type ListenPlace } from "./system/cannot-listen.js";
export {
  makeCertificate,
  makeCertificateKey,
  makeCertificateRequest,
  readCertificateChain,
  readCertificatePair,
  type CertificatePair,
  type CertificateWish,
} from "./system/certificates.js";
export { credentialFromSecret, nodeCrypto, stretchSecret } from "./system/node-crypto.js";
export { errnoOf } from "./system/errno.js";
export { makeFolder } from "./system/make-folder.js";
export { nodeDisk } from "./system/node-disk.js";
export { nodeRandom } from "./system/node-random.js";
export { nodeWorld } from "./system/node-world.js";
export { withStreams } from "./system/spawned.js";
export { textLog } from "./system/text-log.js";
export { acceptWires, plainHost, webSocketNetwork } from "./system/web-socket.js";
export { MetricsPage, type MetricsPageOptions } from "./system/metrics-page.js";
export { lockFolder, type FolderLock } from "./system/folder-lock.js";
export {
  findFreePort,
  portRangeDefault,
  type FreePortOptions,
  type PortRange,
} from "./system/ports.js";
export { readStat, type ProcStat } from "./system/proc-stat.js";
export { identifyProcess, isAlive, isRunning, type ProcessIdentity } from "./system/processes.js";
