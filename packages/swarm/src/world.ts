/** What taking part in artifacts needs from outside: lines to peers, files, hashes. */
import type { Address } from "@propagit/protocol";
import type { World } from "@propagit/runtime";
import type { Claim } from "./core/claim.js";

export interface SwarmWorld extends Pick<World, "clock" | "random" | "log" | "crypto"> {
  readonly lines: PeerNetwork;
  readonly files: PieceFiles;
  readonly digests: Digests;
}

export interface Digests {
  /** SHA-256 as 64 hex characters. */
  sha256(bytes: Uint8Array): string;
  /** Whether an Ed25519 signature (base64) of a text is of that key (SPKI as base64). */
  isSignedBy(key: string, text: string, signature: string): boolean;
}

export interface PeerNetwork {
  /**
   * An encrypted line to a peer, after both sides proved that they know the key of the claim: TLS 1.3 with
   * the claim's text as identity of a pre-shared key.
   *
   * @throws UNREACHABLE, DENIED when the other side does not take the claim
   */
  dial(address: Address, claim: Claim, key: string, limitMs: number): Promise<PeerLine>;
}

/** Bytes in both directions, in order. Events that come before `listen` are kept and given to it. */
export interface PeerLine {
  /** Whose line it is: what the dialling side claimed. */
  readonly claim: Claim;
  readonly remoteHost: string;
  /** Sends bytes, or drops them when the line is closed. They must not change until `drained`. */
  send(bytes: Uint8Array): void;
  /** Bytes taken by `send` that are not yet with the system. */
  readonly bufferedBytes: number;
  listen(handlers: PeerLineHandlers): void;
  /** No more `data` until `resume`: the other side is slowed down. */
  pause(): void;
  resume(): void;
  /** Closes at once, what is buffered included. */
  close(): void;
}

export interface PeerLineHandlers {
  /** Only good until it returns: the buffer is used again. */
  readonly data: (bytes: Uint8Array) => void;
  /**
   * How many bytes are sure to follow those that came: for some of them a line may let time pass, so that it is not
   * woken by each packet. Default: none.
   */
  readonly expectedBytes?: () => number;
  /** Everything that was sent is with the system. */
  readonly drained: () => void;
  /** Called exactly once. */
  readonly closed: (reason: string) => void;
}

/** Artifacts on disk; one folder of this process alone. */
export interface PieceFiles {
  /**
   * The file of an artifact, made with room for all of it when it is not there. What an earlier life wrote
   * is in it, and must be checked before it is believed.
   *
   * @throws DATA_UNUSABLE when the disk is full or read-only
   */
  open(artifact: string, bytes: number): Promise<PieceFile>;
  /**
   * A file that lies elsewhere and is whole: what somebody offers. It is only read, and stays.
   *
   * @throws DATA_UNUSABLE when it is not there, or is not of that size
   */
  openPath(path: string, bytes: number): Promise<PieceFile>;
  /** Small text kept beside it, whole or not there: the signed manifest, the grant. */
  readNote(artifact: string, name: NoteName): Promise<string | undefined>;
  writeNote(artifact: string, name: NoteName, text: string): Promise<void>;
  /** Artifacts of which something is there. */
  list(): Promise<readonly KeptArtifact[]>;
  /** Nothing is left of it. */
  remove(artifact: string): Promise<void>;
}

export type NoteName = "manifest" | "grant";

export interface KeptArtifact {
  readonly artifact: string;
  /** On disk, of all its files. */
  readonly bytes: number;
  /** In ms since 1970. */
  readonly usedAt: number;
}

export interface PieceFile {
  readonly path: string;
  /** @throws DATA_UNUSABLE when there is less, or the disk fails */
  read(position: number, into: Uint8Array): Promise<void>;
  /** @throws DATA_UNUSABLE when the disk is full or fails */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** What was written is on disk when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
