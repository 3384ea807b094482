export { encodeClaim, keyOfClaim, parseClaim, type Claim } from "./core/claim.js";
export type { Manifest, SignedManifest } from "./manifest.js";
export type { Admission, Offer, Share, Swarm, SwarmOptions } from "./swarm.js";
export type { PeerLine, PeerNetwork, PieceFile, PieceFiles, SwarmWorld } from "./world.js";
