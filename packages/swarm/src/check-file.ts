/** What is in the file of an artifact: read again piece by piece, so that nothing waits for a long time. */
import { PropagitError } from "@propagit/protocol";
import { PieceSet } from "./core/piece-set.js";
import { bytesOfPiece, hashOfPiece, pieceCountOf, type Manifest } from "./manifest.js";
import type { Digests, PieceFile } from "./world.js";

/** The pieces that an earlier life left whole. */
export async function findPieces(
  manifest: Manifest,
  file: PieceFile,
  digests: Digests,
): Promise<PieceSet> {
  const found = new PieceSet(pieceCountOf(manifest));
  const buffer = new Uint8Array(manifest.pieceBytes);
  for (let piece = 0; piece < found.size; piece++) {
    const bytes = buffer.subarray(0, bytesOfPiece(manifest, piece));
    await file.read(piece * manifest.pieceBytes, bytes);
    if (digests.sha256(bytes) === hashOfPiece(manifest, piece)) found.add(piece);
  }
  return found;
}

/**
 * Looks whether the file as a whole is what the manifest says, after every piece was: what was written is not
 * always what is there.
 *
 * @throws DATA_UNUSABLE when it is not
 */
export async function checkWhole(
  manifest: Manifest,
  file: PieceFile,
  digests: Digests,
): Promise<void> {
  const digest = digests.begin();
  const buffer = new Uint8Array(Math.min(manifest.bytes, 1024 * 1024));
  for (let position = 0; position < manifest.bytes; position += buffer.length) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, manifest.bytes - position));
    await file.read(position, bytes);
    digest.update(bytes);
  }
  if (digest.hex() !== manifest.sha256)
    throw new PropagitError(
      "DATA_UNUSABLE",
      `${file.path} is not what was written to it: its SHA-256 is not that of the artifact`,
    );
}
