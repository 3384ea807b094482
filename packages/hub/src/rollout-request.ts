/** What the desks ask of the rollouts, and hear of them. */
import type {
  CommitHash,
  ReleaseSummary,
  RepoName,
  RolloutProgress,
  Specification,
} from "@propagit/protocol";
import type { SettingRows } from "./core/rows.js";

/** A release to be made and carried out. */
export interface ReleaseRequest {
  readonly repo: RepoName;
  readonly environment: string;
  readonly commit: CommitHash;
  readonly kind: ReleaseSummary["kind"];
  /** The release that a rollback goes back to. */
  readonly from?: number;
  /** The commit to check out, when that is known: nothing is built then. */
  readonly artifact?: string;
  /** With the scales of its environment applied already. */
  readonly specification: Specification;
  /** Hidden under the hub's own key. */
  readonly settings: SettingRows;
  /** First line of the commit's message. */
  readonly subject: string;
  readonly by: string;
  /** Default: as the specification says. */
  readonly promote?: boolean;
  /** Takes the place of releases that wait in the queue. */
  readonly supersede?: boolean;
}

/** Whoever asked; when he is gone, the release goes on without him. */
export interface Asker {
  readonly onPart: (part: RolloutProgress) => void;
  readonly signal: AbortSignal;
  /**
   * The result is given as soon as the release is accepted: `ready`, with no drones, which says nothing yet.
   */
  readonly detach?: boolean;
}
