/** Packs of commits that the hub makes and keeps, as it needs to know them: files and git in `system/`. */
import type { Step } from "@propagit/swarm";

/** A commit of a repository, with or without a base that whoever gets it has already. */
export interface ArtifactStep extends Step {
  readonly repo: string;
}

export interface KeptArtifact extends ArtifactStep {
  /** Its id. */
  readonly artifact: string;
  readonly bytes: number;
  readonly pieceBytes: number;
  /** In ms since 1970. */
  readonly madeAt: number;
  readonly usedAt: number;
  /** 64 hex characters: whoever knows them may take part. */
  readonly secret: string;
  readonly manifest: { readonly text: string; readonly signature: string };
  /** The file that holds it. */
  readonly path: string;
}

/** One that is being made. */
export interface MakingArtifact extends ArtifactStep {
  /** When that began, in ms since 1970. */
  readonly since: number;
  /** About how large it will be; undefined when nobody can say. */
  readonly estimate: number | undefined;
  /** So far. */
  readonly packedBytes: number;
}

export interface Artifacts {
  /** The hub's public key, which signed the manifests: Ed25519, SPKI as base64. */
  readonly hubKey: string;
  /** What there is, also of former lives. */
  readonly kept: readonly KeptArtifact[];
  /** What is being made. */
  readonly making: readonly MakingArtifact[];
  /** Bytes that all together may fill; depends on the disk. */
  readonly bytesMax: number;
  /** Those of these commits that the repository has. @throws NO_REPO */
  known(repo: string, commits: readonly string[]): Promise<ReadonlySet<string>>;
  /** Whether the history of commits ends somewhere because it was pushed from a shallow clone. */
  isShallow(repo: string, commits: readonly string[]): Promise<boolean>;
  /** About how large a pack would be; undefined when git cannot tell in time. */
  estimate(step: ArtifactStep): Promise<number | undefined>;
  /**
   * The pack of a step: made once, also when many ask at the same time, whole or not there.
   *
   * @throws DATA_UNUSABLE when there is no room, OVERLOADED, TIMED_OUT, INTERNAL with git's reason
   */
  make(step: ArtifactStep): Promise<KeptArtifact>;
  /** All bytes of a small one. @throws DATA_UNUSABLE */
  read(artifact: string): Promise<Uint8Array>;
  /** Somebody needs it: it stays longer. */
  touch(artifact: string): void;
  remove(artifact: string): Promise<void>;
}
