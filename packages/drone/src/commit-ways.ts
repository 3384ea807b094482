/**
 * By which way a commit gets here. The hub says it each time: with git from the hub, as a pack out of the
 * swarm, or as a pack so small that it came with the answer. What it names may be another commit, which has
 * to be had first.
 *
 *     ask --another commit first--> take its pack --> ask again ... at most 8 times
 *      |                                 |
 *      +--"git"                          +--no use, or nobody has it--> git
 */
import { PropagitError, shortCommit, toPropagitError } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import type { CommitName } from "./world.js";

/** Ways beside git, as the hub chooses them. */
export interface CommitWays {
  /**
   * What to bring next so that the commit gets here; undefined when git is to fetch it.
   *
   * @param have commits that are here whole, newest first
   * @throws a readable reason: the hub cannot be reached and nothing is remembered, or refuses
   */
  next(
    name: CommitName,
    have: readonly string[],
    signal: AbortSignal,
  ): Promise<Delivery | undefined>;
}

/** A pack that is here, or on its way. */
export interface Delivery {
  /** What it brings. */
  readonly commit: string;
  /** What it is thin against. */
  readonly base: string | undefined;
  /** Resolves once all of it is here and is what the hub signed. @throws a readable reason */
  arrived(signal: AbortSignal): Promise<Pack>;
  /** Git has taken it. */
  used(): void;
  /** It is of no use although all of it is what the hub signed. */
  spoiled(reason: string): void;
}

export type Pack =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly path: string };

/** What is done with a repository on the way. */
export interface CommitPlace {
  /** Commits that are there whole, newest first. */
  have(): Promise<readonly string[]>;
  /** @throws PACK_UNUSABLE, DATA_UNUSABLE */
  take(commit: string, pack: Pack): Promise<void>;
  /** @throws a readable reason */
  fetchWithGit(): Promise<void>;
}

/** Each answer brings a commit closer; a hub that leads round in circles is left for git. */
const answersMax = 8;

/** Brings a commit into a repository that lacks it. @throws a reason that names every way that failed */
export async function bringCommit(
  name: CommitName,
  ways: CommitWays | undefined,
  { place, log, signal }: { place: CommitPlace; log: Log; signal: AbortSignal },
): Promise<void> {
  if (!ways) return place.fetchWithGit();
  const failure = await byPacks(name, ways, place, signal);
  if (failure === "here") return;
  signal.throwIfAborted();
  if (failure) {
    const what = `${name.repo} ${shortCommit(name.commit)}`;
    log.warn(`${what} is fetched with git: ${failure.message}`);
  }
  try {
    await place.fetchWithGit();
  } catch (thrown) {
    throw bothFailed(failure, toPropagitError(thrown));
  }
}

/** `here` when it worked out, the reason when it did not, undefined when git is what the hub wants. */
async function byPacks(
  name: CommitName,
  ways: CommitWays,
  place: CommitPlace,
  signal: AbortSignal,
): Promise<"here" | PropagitError | undefined> {
  let have = await place.have();
  try {
    for (let answers = 0; answers < answersMax; answers++) {
      signal.throwIfAborted();
      const delivery = await ways.next(name, have, signal);
      if (!delivery) return undefined;
      await takeIn(delivery, place, signal);
      if (delivery.commit === name.commit) return "here";
      have = [delivery.commit, ...have.filter((other) => other !== delivery.commit)];
    }
    return new PropagitError("PACK_UNUSABLE", `${answersMax} packs did not bring it`);
  } catch (thrown) {
    return toPropagitError(thrown);
  }
}

async function takeIn(delivery: Delivery, place: CommitPlace, signal: AbortSignal): Promise<void> {
  const pack = await delivery.arrived(signal);
  try {
    await place.take(delivery.commit, pack);
  } catch (thrown) {
    const error = toPropagitError(thrown);
    if (error.code === "PACK_UNUSABLE") delivery.spoiled(error.message);
    throw error;
  }
  delivery.used();
}

function bothFailed(failure: PropagitError | undefined, git: PropagitError): PropagitError {
  if (!failure) return git;
  const message = `${git.message}; before that, not from other drones: ${failure.message}`;
  return new PropagitError(git.code, message, { hint: git.hint, cause: git });
}
