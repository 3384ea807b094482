/**
 * Which releases of one environment go on running, which are only kept on disk, and which go.
 *
 *     running --- its visitors left more than `for` ago ---> kept --- newer ones fill `releases` ---> removed
 *
 * Releases that run the very same (a rollback, a new promise of the same commit) are one deployment, and stay
 * or go together. What is live, is routed, is pinned, is on its way or is what a rollback goes back to is
 * never touched.
 */
import type { Retention } from "@propagit/protocol";
import type { ReleaseRow } from "./rows.js";

export type RetainedRelease = Pick<
  ReleaseRow,
  "number" | "deployment" | "state" | "at" | "endedAt" | "leftAt" | "pinned" | "presence"
>;

export interface RetentionFacts {
  /** All of one environment, in any order. */
  readonly releases: readonly RetainedRelease[];
  /** Numbers of those that were live, oldest first; the last one is current. */
  readonly live: readonly number[];
  /** Numbers of those that a route needs, and what for: a share, an experiment, a shadow. */
  readonly routed: ReadonlyMap<number, string>;
  /** Numbers of those that are deployed or wait for it. */
  readonly onTheWay: ReadonlySet<number>;
  /** Undefined: nothing is stopped or removed by itself. */
  readonly keep: Retention | undefined;
  /** A drone's disk is nearly full: nothing goes on running for a while any more. */
  readonly isDiskFull: boolean;
}

export interface Retained {
  readonly number: number;
  readonly action: "stop" | "remove" | "stay";
  readonly why: string;
}

export interface RetentionPlan {
  /** Newest first; those that are removed already are left out. */
  readonly releases: readonly Retained[];
  /** When the next one will be due, in ms since 1970; undefined when only something new changes anything. */
  readonly nextAt: number | undefined;
}

/** A deployment with all its releases, newest first. */
interface Group {
  readonly deployment: string;
  readonly releases: readonly RetainedRelease[];
}

export function planRetention(facts: RetentionFacts, now: number): RetentionPlan {
  const groups = groupsOf(facts.releases);
  const verdicts = judge(groups, facts, now);
  const releases = groups.flatMap((group) => {
    const { action, why } = verdicts.get(group.deployment) ?? stay("");
    return group.releases
      .filter(({ presence }) => presence !== "removed")
      .map(({ number }) => ({ number, action, why }));
  });
  const dues = [...verdicts.values()].flatMap(({ dueAt }) => (dueAt === undefined ? [] : [dueAt]));
  return {
    releases: releases.sort((left, right) => right.number - left.number),
    nextAt: dues.length === 0 ? undefined : Math.min(...dues),
  };
}

interface Verdict {
  readonly action: Retained["action"];
  readonly why: string;
  /** When it will be another one. */
  readonly dueAt?: number;
}

function judge(
  groups: readonly Group[],
  facts: RetentionFacts,
  now: number,
): ReadonlyMap<string, Verdict> {
  const { keep } = facts;
  const former = formerOf(groups, facts.live);
  const verdicts = new Map<string, Verdict>();
  let onDisk = 0;
  for (const group of groups) {
    const untouchable = untouchableWhy(group, facts, former[0]);
    // It takes its place on disk whether or not retention may touch it.
    const place = isOnDisk(group) && wasReady(group) ? ++onDisk : onDisk;
    verdicts.set(
      group.deployment,
      untouchable !== undefined || !keep
        ? stay(untouchable ?? "its manifest says nothing of how long releases are kept")
        : verdictOf(group, { ...facts, keep, former, place, now }),
    );
  }
  return verdicts;
}

interface Circumstances extends RetentionFacts {
  readonly keep: Retention;
  /** Deployments that were live before the current one, the last one first. */
  readonly former: readonly string[];
  /** Its place among those on disk, counted from the newest. */
  readonly place: number;
  readonly now: number;
}

function verdictOf(group: Group, circumstances: Circumstances): Verdict {
  const { keep, former, place, now, isDiskFull } = circumstances;
  const goes = !wasReady(group)
    ? "it was never ready"
    : place > keep.releases
      ? `there are ${keep.releases} newer ones, and no more are kept`
      : undefined;
  if (!group.releases.some(({ presence }) => presence === "running")) {
    return goes === undefined
      ? stay("it is kept on disk, to go back to")
      : { action: "remove", why: goes };
  }
  const warmth = former.indexOf(group.deployment);
  if (warmth >= 0 && warmth < keep.warm) return stay("it was live lately, and is kept warm");
  const dueAt = leftAt(group) + (isDiskFull ? 0 : keep.forMs);
  if (now < dueAt) return { ...stay(agePhrase(group, now)), dueAt };
  const isOver = isDiskFull ? "a disk is nearly full" : agePhrase(group, now);
  return goes === undefined
    ? { action: "stop", why: isOver }
    : { action: "remove", why: `${isOver}, and ${goes}` };
}

/** Why retention may not touch it, whatever its age. */
function untouchableWhy(
  { releases, deployment }: Group,
  { live, routed, onTheWay }: RetentionFacts,
  former: string | undefined,
): string | undefined {
  const current = live.at(-1);
  if (releases.some(({ number }) => number === current)) return "visitors are sent to it";
  const [needed] = releases.flatMap(({ number }) => routed.get(number) ?? []);
  if (needed !== undefined) return needed;
  if (releases.some(({ pinned }) => pinned)) return "it is pinned";
  if (releases.some(({ number, state }) => onTheWay.has(number) || state === "deploying")) {
    return "it is on its way";
  }
  return deployment === former ? "a rollback goes back to it" : undefined;
}

/** Deployments that were live before the current one, the last one first, each once. */
function formerOf(groups: readonly Group[], live: readonly number[]): readonly string[] {
  const deployments = new Map(
    groups.flatMap((group) => group.releases.map(({ number }) => [number, group.deployment])),
  );
  const order = live.toReversed().map((number) => deployments.get(number));
  const [current] = order;
  const former = order.filter((one) => one !== undefined && one !== current);
  return [...new Set(former)] as string[];
}

/** In the order of their newest releases, the newest first. */
function groupsOf(releases: readonly RetainedRelease[]): readonly Group[] {
  const groups = new Map<string, RetainedRelease[]>();
  for (const release of [...releases].sort((left, right) => right.number - left.number)) {
    const group = groups.get(release.deployment) ?? [];
    group.push(release);
    groups.set(release.deployment, group);
  }
  return [...groups].map(([deployment, group]) => ({ deployment, releases: group }));
}

function isOnDisk({ releases }: Group): boolean {
  return releases.some(({ presence }) => presence !== "removed");
}

function wasReady({ releases }: Group): boolean {
  return releases.some(({ state }) => state === "ready");
}

/** When the last visitor was sent elsewhere; without any, when it was made. */
function leftAt({ releases }: Group): number {
  return Math.max(...releases.map((one) => one.leftAt ?? one.endedAt ?? one.at));
}

function stay(why: string): Verdict {
  return { action: "stay", why };
}

function agePhrase(group: Group, now: number): string {
  const hadVisitors = group.releases.some((one) => one.leftAt !== undefined);
  return `${hadVisitors ? "its visitors left" : "it was deployed"} ${ago(now - leftAt(group))}`;
}

function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}
