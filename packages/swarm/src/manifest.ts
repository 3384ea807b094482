/**
 * What an artifact is, in one text that the hub signs. Its SHA-256 is the artifact's id, so whoever was told
 * the id by the hub can take the manifest from anybody.
 */
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
