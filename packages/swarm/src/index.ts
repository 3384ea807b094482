export {
  chooseCourse,
  coursesOf,
  type Course,
  type Made,
  type PricedCourse,
  type Step,
} from "./core/artifact-choice.js";
export { encodeClaim, keyOfClaim, parseClaim, type Claim } from "./core/claim.js";
export { lagging } from "./core/lag.js";
export { isHolding, isTaking, type Participant, type Seat } from "./core/seats.js";
export { Tracker, type Joined, type TrackerEffect } from "./core/tracker.js";
export { chooseWay, inlineBytesMax, type Way, type WayQuestion } from "./core/way.js";
export type { Manifest, SignedManifest } from "./manifest.js";
export type { Admission, Offer, Share, Swarm, SwarmOptions } from "./swarm.js";
export type { PeerLine, PeerNetwork, PieceFile, PieceFiles, SwarmWorld } from "./world.js";
