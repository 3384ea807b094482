/**
 * What an artifact is, in one text that the hub signs. Its SHA-256 is the artifact's id, so whoever was told
 * the id by the hub can take the manifest from anybody.
 *
 *     text --SHA-256--> is it the id that the hub gave me?  --Ed25519--> did the hub sign it?  --> shape
 */
import { PropagitError, assert } from "@propagit/protocol";
import type { Digests } from "./world.js";

export interface Manifest {
  readonly repo: string;
  /** The commit that it brings. */
  readonly commit: string;
  /** What must be there already; absent: nothing, the pack is whole. */
  readonly base?: string;
  readonly bytes: number;
  readonly pieceBytes: number;
  /** SHA-256 of all bytes, 64 hex characters. */
  readonly sha256: string;
  /** SHA-256 of each piece, one after the other, 64 hex characters each. */
  readonly pieces: string;
}

export interface SignedManifest {
  /** As it was signed: what `encodeManifest` gave. */
  readonly text: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

/**
 * Pieces below this cost more in frames and hashes than they gain; above, they are long under way. A piece is checked
 * before it is passed on, so the way to the last of many drones is as long as several pieces: 4 MB to 64 drones take
 * 1.6 times size/bandwidth with 32 KiB, 1.4 with 8 KiB (simulated).
 */
const pieceBytesOfHub = { min: 8 * 1024, max: 4 * 1024 * 1024 } as const;
/** About as many pieces as it takes to keep a thousand drones busy with different ones. */
const piecesWanted = 512;

/**
 * What others may choose: a length of piece is the hub's own affair, but nobody makes a drone keep a buffer of
 * a gigabyte or a list of a billion pieces.
 */
const bounds = { pieceBytesMin: 1024, pieceBytesMax: pieceBytesOfHub.max, piecesMax: 65_536 };

/** Longest text of a manifest: 64 characters for each piece, and what stands around them. */
export const manifestCharsMax = bounds.piecesMax * 64 + 4096;

/** A power of two that makes about 512 pieces of an artifact. */
export function pieceBytesFor(bytes: number): number {
  let pieceBytes: number = pieceBytesOfHub.min;
  while (pieceBytes < pieceBytesOfHub.max && bytes / pieceBytes > piecesWanted) pieceBytes *= 2;
  return pieceBytes;
}

export function pieceCountOf({ bytes, pieceBytes }: Pick<Manifest, "bytes" | "pieceBytes">) {
  return Math.ceil(bytes / pieceBytes);
}

/** Bytes of one piece: all are of the same length but the last. */
export function bytesOfPiece(
  { bytes, pieceBytes }: Pick<Manifest, "bytes" | "pieceBytes">,
  piece: number,
): number {
  return Math.min(pieceBytes, bytes - piece * pieceBytes);
}

export function hashOfPiece(manifest: Pick<Manifest, "pieces">, piece: number): string {
  return manifest.pieces.slice(piece * 64, piece * 64 + 64);
}

/** The one text for a manifest: the same names in the same order, nothing between them. */
export function encodeManifest(manifest: Manifest): string {
  const reason = whyUnusable(manifest);
  assert(reason === undefined, `a manifest that is made here ${reason}`);
  return JSON.stringify({ propagit: 1, ...inOrder(manifest) });
}

/** @throws BAD_FRAME with the reason why it is no manifest, or not one as `encodeManifest` writes it */
export function parseManifest(text: string): Manifest {
  if (text.length > manifestCharsMax) throw unusable(`has ${text.length} characters`);
  const value = parseObject(text);
  if (value["propagit"] !== 1) throw unusable("is of another version");
  const manifest = inOrder(value as Record<keyof Manifest, never>);
  const reason = whyUnusable(manifest);
  if (reason !== undefined) throw unusable(reason);
  // One text only for one artifact, or it would have two ids.
  if (encodeManifest(manifest) !== text) throw unusable("is not written as manifests are");
  return manifest;
}

/** Just what a manifest has, in the order of its text. */
function inOrder({ repo, commit, base, bytes, pieceBytes, sha256, pieces }: Manifest): Manifest {
  return {
    repo,
    commit,
    ...(base !== undefined && { base }),
    bytes,
    pieceBytes,
    sha256,
    pieces,
  };
}

/**
 * A manifest that somebody sent, believed because it is what the hub spoke of and signed.
 *
 * @throws BAD_FRAME when it belongs to another artifact, is not signed by the hub, or says what cannot be
 */
export function checkManifest(options: {
  readonly signed: SignedManifest;
  readonly artifact: string;
  readonly hubKey: string;
  readonly digests: Pick<Digests, "sha256" | "isSignedBy">;
}): Manifest {
  const { signed, artifact, hubKey, digests } = options;
  if (artifactIdOf(digests, signed.text) !== artifact) throw unusable("is of another artifact");
  if (!digests.isSignedBy(hubKey, signed.text, signed.signature))
    throw unusable("is not signed by the hub");
  return parseManifest(signed.text);
}

export function artifactIdOf(digests: Pick<Digests, "sha256">, text: string): string {
  return digests.sha256(new TextEncoder().encode(text));
}

const notHex = /[^0-9a-f]/;
const hex64 = /^[0-9a-f]{64}$/;
const commitHex = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function whyUnusable({ repo, commit, base, bytes, pieceBytes, sha256, pieces }: Manifest) {
  if (typeof repo !== "string" || repo === "" || repo.length > 63) return "names no repository";
  if (typeof commit !== "string" || !commitHex.test(commit)) return "names no commit";
  if (base !== undefined && (typeof base !== "string" || !commitHex.test(base)))
    return "has a base that is no commit";
  if (!Number.isSafeInteger(bytes) || bytes < 1) return "is of nothing";
  if (!isPieceLength(pieceBytes)) return `has pieces of ${String(pieceBytes)} bytes`;
  if (typeof sha256 !== "string" || !hex64.test(sha256)) return "has no hash of the whole";
  const count = pieceCountOf({ bytes, pieceBytes });
  if (count > bounds.piecesMax) return `has ${count} pieces`;
  if (typeof pieces !== "string" || pieces.length !== count * 64 || notHex.test(pieces))
    return "has not one hash for each piece";
  return undefined;
}

function isPieceLength(value: number): boolean {
  if (!Number.isSafeInteger(value)) return false;
  if (value < bounds.pieceBytesMin || value > bounds.pieceBytesMax) return false;
  return Number.isInteger(Math.log2(value));
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, with the same words as for any other text.
  }
  throw unusable("is not JSON");
}

function unusable(reason: string): PropagitError {
  return new PropagitError("BAD_FRAME", `the manifest of an artifact ${reason}`);
}
