/** What the desks ask of the rollouts, and hear of them. */
import type {
  CommitHash,
  ReleaseSummary,
  RepoName,
  RolloutProgress,
  Specification,
  WavesWish,
} from "@propagit/protocol";
import type { Plan } from "@propagit/plan";
import type { Draft } from "./core/draft.js";
import type { PlannedRelease } from "./core/planners/release-plan.js";
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
  /** With `scales` applied already. */
  readonly specification: Specification;
  /** Of its environment; absent when it is made of a release that does not say. */
  readonly scales?: Readonly<Record<string, number>>;
  /** Hidden under the hub's own key. */
  readonly settings: SettingRows;
  /** First line of the commit's message. */
  readonly subject: string;
  readonly by: string;
  /** The branch that it was asked for by: its host name leads to it once it is ready. */
  readonly branch?: string;
  /** Default: as the specification says. */
  readonly promote?: boolean;
  /** Takes the place of releases that wait in the queue. */
  readonly supersede?: boolean;
  /** In which order drones get it, over what its manifest says. */
  readonly waves?: WavesWish;
  /** Also when it runs already: its instances are restarted. */
  readonly redeploy?: boolean;
  /** How it is carried out; default: as `releasePlan` says, in its waves. */
  readonly planOf?: (release: PlannedRelease) => Plan;
  /** The id of its run; default: a fresh one. */
  readonly run?: string;
  /** What is written together with it, also when there is nothing to do; refuses by throwing. */
  readonly alongside?: (draft: Draft) => void;
}

/** Whoever asked; when he is gone, the release goes on without him. */
export interface Asker {
  readonly onPart: (part: RolloutProgress) => void;
  readonly signal: AbortSignal;
  /** The result, `accepted`, is given as soon as the release is. */
  readonly detach?: boolean;
}
