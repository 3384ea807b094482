export {
  chooseCourse,
  coursesOf,
  type Course,
  type Made,
  type PricedCourse,
  type Step,
} from "./core/artifact-choice.js";
export {
  encodeClaim,
  keyOfClaim,
  parseClaim,
  proofOfHolder,
  secretOfHolder,
  type Claim,
} from "./core/claim.js";
export { lagging } from "./core/lag.js";
export { isHolding, isTaking, type Participant, type Seat } from "./core/seats.js";
export { Tracker, type Joined, type TrackerEffect } from "./core/tracker.js";
export { chooseWay, inlineBytesMax, type Way, type WayQuestion } from "./core/way.js";
export {
  artifactIdOf,
  bytesOfPiece,
  checkManifest,
  encodeManifest,
  hashOfPiece,
  parseManifest,
  pieceBytesFor,
  pieceCountOf,
  type Manifest,
  type SignedManifest,
} from "./manifest.js";
export { SwarmNode } from "./node.js";
export { SimPieceFiles } from "./simulated/sim-files.js";
export {
  SimLines,
  type SimHost,
  type SimLinesOptions,
  type SimListener,
} from "./simulated/sim-lines.js";
export { nodeDigests } from "./system/digests.js";
export { findHubKey, type HubKey } from "./system/hub-key.js";
export { openSwarm, type OpenSwarm, type OpenSwarmOptions } from "./system/open-swarm.js";
export { openPieceFiles } from "./system/piece-files.js";
export { sharePort, type SharedPort } from "./system/share-port.js";
export type { Admission, Offer, Share, Swarm, SwarmOptions } from "./swarm.js";
export type { Digests, PeerLine, PeerNetwork, PieceFile, PieceFiles, SwarmWorld } from "./world.js";
