/**
 * What parts tell each other of artifacts: the bytes of a commit, in pieces that drones swap between them.
 *
 *     drone --hub.artifact--> hub: "git", the pack itself, or a grant: which artifact, its secret, first peers
 *     drone --hub.share-----> hub: how far it is, what it got from whom, whether it lacks peers
 *     hub   --drone.peers---> drone: more peers
 *     hub   --drone.carry---> relay: take part in this one, for the drones of your zone
 *
 * Pieces themselves never travel here, but between the parts of a swarm; see the swarm package.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { commit, count, exact, list, name, oneOf, port, text } from "./shape.js";

/** SHA-256 of the text of an artifact's manifest: whoever has it can check the manifest, and so each piece. */
export const artifactIdSchema = Type.String({ pattern: "^[0-9a-f]{64}$" });

const zone = text(63);

/** Where somebody who takes part can be dialled. */
export const swarmPeerSchema = exact({
  /** Of the drone or relay; `hub` for the hub itself. */
  name,
  role: oneOf("hub", "relay", "drone"),
  /** `*` for the hub: where its session was opened, host and port, which only the other side knows. */
  host: text(255),
  port,
  zone: Type.Optional(zone),
  /**
   * Of the lines that whoever is told of it may dial there: a pre-shared key of 64 hex characters, hidden under the
   * session's key, and until when it is good, in ms since 1970 by the hub's clock. Nobody else has that key but
   * the two, so each knows who the other is.
   */
  key: Type.Optional(text(300)),
  expiresAt: Type.Optional(count),
});
export type SwarmPeer = Static<typeof swarmPeerSchema>;

/** What lets somebody take part in an artifact, and with whom to begin. */
export const grantSchema = exact({
  artifact: artifactIdSchema,
  bytes: count,
  /** Of the holder, 64 hex characters, hidden under the session's key: what the keys of those who dial him come from. */
  secret: text(500),
  /** Whom the grant is for, as its peers see it. */
  holder: name,
  /** Until when it opens new connections, and the hub's own time, both in ms since 1970. */
  expiresAt: count,
  now: count,
  /** The hub's public key (Ed25519, SPKI as base64), which signed the manifest. */
  hubKey: text(200),
  peers: list(swarmPeerSchema, 64),
});
export type Grant = Static<typeof grantSchema>;

const whatItBrings = {
  /** The commit that the artifact brings: the wanted one, or one to be had first; then the drone asks again. */
  commit,
  /** What must be there already, because the pack is thin against it. */
  base: Type.Optional(commit),
};

/** How a drone gets a commit. */
export const artifactAnswerSchema = Type.Union([
  /** From the hub, with git; the reason is there when it would be otherwise, but something is wrong. */
  exact({ how: Type.Literal("git"), reason: Type.Optional(text(2_000)) }),
  /** Here it is: a pack so small that everything else would take longer. */
  exact({
    how: Type.Literal("inline"),
    ...whatItBrings,
    /** The pack's bytes, hidden under the session's key (`Crypto.encryptBytes`). */
    pack: text(200_000),
  }),
  exact({ how: Type.Literal("swarm"), ...whatItBrings, grant: grantSchema }),
]);
export type ArtifactAnswer = Static<typeof artifactAnswerSchema>;

/** How far one participant is with one artifact. All bytes are of pieces, counted since it takes part. */
export const shareReportSchema = exact({
  artifact: artifactIdSchema,
  /**
   * `taking` until every piece is there; then `whole`, and, once git has taken it, `used`. `failed` gave up
   * with a reason, `gone` no longer has it.
   */
  state: oneOf("taking", "whole", "used", "failed", "gone"),
  pieces: count,
  piecesAll: count,
  receivedBytes: count,
  sentBytes: count,
  /** Received twice, or wrong. */
  wastedBytes: count,
  /** Of the last seconds. */
  receivedBytesPerSecond: count,
  /** It knows too few peers that help it. */
  lacksPeers: Type.Optional(Type.Boolean()),
  /** Per connection so far, most bytes first. */
  lines: Type.Optional(list(exact({ peer: name, receivedBytes: count, sentBytes: count }), 64)),
  /** Whom it no longer believes, and why. */
  banned: Type.Optional(list(exact({ peer: name, reason: text(500) }), 64)),
  reason: Type.Optional(text(2_000)),
});
export type ShareReport = Static<typeof shareReportSchema>;

/** Counts over all who take part in an artifact. */
export const swarmTotalsSchema = exact({
  drones: count,
  relays: count,
  /** By the state of their share. */
  taking: count,
  done: count,
  failed: count,
  gone: count,
  lagging: count,
  /** Pieces that are there, as bytes, and how many there will be. */
  bytes: count,
  bytesAll: count,
  receivedBytes: count,
  sentBytes: count,
  wastedBytes: count,
  bytesPerSecond: count,
  /** Peers that somebody no longer believes. */
  banned: count,
});
export type SwarmTotals = Static<typeof swarmTotalsSchema>;

/** One artifact as `propagit swarm` shows it. */
export const swarmViewSchema = exact({
  artifact: artifactIdSchema,
  repo: name,
  commit,
  base: Type.Optional(commit),
  bytes: count,
  pieceBytes: count,
  /** When the hub made it, in ms since 1970. */
  madeAt: count,
  /** What the hub itself has sent of it. */
  hubSentBytes: count,
  /** Only when shares were asked for to be left out. */
  totals: Type.Optional(swarmTotalsSchema),
  shares: list(
    exact({
      drone: name,
      role: oneOf("relay", "drone"),
      zone: Type.Optional(zone),
      connected: Type.Boolean(),
      /** It is behind the others: less than half as fast as their median, or nothing came for 10 s. */
      lags: Type.Boolean(),
      /** In ms since 1970. */
      since: count,
      report: shareReportSchema,
    }),
    10_000,
  ),
});
export type SwarmView = Static<typeof swarmViewSchema>;

export const swarmMethods = {
  /** Asked by a drone that needs a commit. */
  "hub.artifact": {
    params: exact({
      repo: name,
      commit,
      /** Commits of the repo that are there whole, newest first. */
      have: list(commit, 64),
    }),
    result: artifactAnswerSchema,
    needs: "cluster",
  },
  /** Artifacts that somebody takes part in, or did within the last hour; newest first. */
  "hub.swarm": {
    params: exact({
      repo: Type.Optional(name),
      /** A unique prefix of a commit or of an artifact. */
      which: Type.Optional(text(64)),
      /** With `totals` in place of the shares. */
      brief: Type.Optional(Type.Boolean()),
    }),
    /**
     * Artifacts that do not fit into the frame of the result; they belong before it. One with very many shares
     * comes several times, each time with others of them.
     */
    part: list(swarmViewSchema, 1_000),
    result: exact({ artifacts: list(swarmViewSchema, 1_000) }),
    needs: "cluster",
  },
} as const;

export const carryMethods = {
  /** Has a relay take part in an artifact for the drones of its zone; answers at once. */
  "drone.carry": {
    params: exact({ repo: name, commit, grant: grantSchema }),
    result: exact({}),
    needs: "cluster",
  },
} as const;

/** Told to the hub. */
export const shareTellings = {
  /** At most once a second for each artifact, and once when a state begins. */
  "hub.share": exact({
    ...shareReportSchema.properties,
    /**
     * Shows that the hub once let it take part, also a hub that was restarted and does not remember: made of the
     * grant's secret, see `proofOfHolder` of the swarm package.
     */
    proof: Type.Optional(Type.String({ pattern: "^[0-9a-f]{64}$" })),
  }),
} as const;

/** Told by the hub. */
export const peerTellings = {
  /** More peers for an artifact that the drone takes part in. */
  "drone.peers": exact({ artifact: artifactIdSchema, peers: list(swarmPeerSchema, 64) }),
} as const;
