/**
 * An artifact for thousands of drones in one process: as many pieces as a real one, each a small part of its
 * length. On the lines a piece weighs what a real one does, so that everything takes as long as it would.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import {
  artifactIdOf,
  encodeManifest,
  nodeDigests,
  type Digests,
  type SignedManifest,
} from "@propagit/swarm";

/** The shortest that a manifest may have. */
const heldBytes = 1024;
/** In front of the bytes of a piece: length, kind, number, position. */
const blockHeadBytes = 13;
const blockKind = 6;

export interface VirtualArtifact {
  readonly id: string;
  /** What is in memory of it. */
  readonly content: Uint8Array;
  /** Of a piece that is meant. */
  readonly pieceBytes: number;
  /** Bytes that are meant for each that is held. */
  readonly scale: number;
  readonly hubKey: string;
  readonly manifest: SignedManifest;
}

export function virtualArtifact(options: {
  readonly pieces: number;
  readonly pieceBytes: number;
  /** Of this seed, so that a run can be repeated. */
  readonly fraction: () => number;
}): VirtualArtifact {
  const { pieces, pieceBytes, fraction } = options;
  const content = Uint8Array.from({ length: pieces * heldBytes }, () => fraction() * 256);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const hashes = Array.from({ length: pieces }, (_, piece) =>
    nodeDigests.sha256(content.subarray(piece * heldBytes, (piece + 1) * heldBytes)),
  );
  const text = encodeManifest({
    repo: "virtual",
    commit: "5".repeat(40),
    bytes: content.length,
    pieceBytes: heldBytes,
    sha256: nodeDigests.sha256(content),
    pieces: hashes.join(""),
  });
  return {
    id: artifactIdOf(nodeDigests, text),
    content,
    pieceBytes,
    scale: pieceBytes / heldBytes,
    hubKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    manifest: { text, signature: sign(null, Buffer.from(text), privateKey).toString("base64") },
  };
}

/** What a message weighs: a block as much as one of a real piece, everything else what it is. */
export function weigher({ pieceBytes }: VirtualArtifact): (message: Uint8Array) => number {
  const blockWeight = (pieceBytes + blockHeadBytes) / (heldBytes + blockHeadBytes);
  return (message) => (message[4] === blockKind ? blockWeight : 1);
}

/** Signatures are checked once for all: thousands of drones check the same one. */
export function digestsOf({ manifest, hubKey }: VirtualArtifact): Digests {
  const isRight = nodeDigests.isSignedBy(hubKey, manifest.text, manifest.signature);
  const isSame = (key: string, text: string, signature: string) =>
    key === hubKey && text === manifest.text && signature === manifest.signature;
  return {
    sha256: (bytes) => nodeDigests.sha256(bytes),
    isSignedBy: (key, text, signature) =>
      isSame(key, text, signature) ? isRight : nodeDigests.isSignedBy(key, text, signature),
  };
}
