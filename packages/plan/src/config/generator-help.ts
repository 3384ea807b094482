/** What generators have in common: order, groups, what is deployed already. */
import { PropagitError } from "@propagit/protocol";
import { groupsFor, inGroups } from "../core/min-up.js";
import type { TaskDraft } from "../command.js";
import type { WrittenStage } from "../core/write-plan.js";
import type { PlanWish, Versions } from "./generator.js";

export interface StageParts {
  readonly before?: readonly WrittenStage[];
  readonly main: readonly WrittenStage[];
  readonly after?: readonly WrittenStage[];
}

/**
 * Stages in their order, without tasks that are in the same stage already (two packages that want the same
 * folder), and without stages that have no task.
 */
export function inOrder({ before = [], main, after = [] }: StageParts): readonly WrittenStage[] {
  return [...before, ...main, ...after]
    .map((stage) => ({ ...stage, tasks: eachOnce(stage.tasks) }))
    .filter(({ tasks }) => tasks.length > 0);
}

function eachOnce(
  lines: readonly (TaskDraft | readonly TaskDraft[])[],
): readonly (TaskDraft | readonly TaskDraft[])[] {
  const seen = new Set<string>();
  return lines.filter((line) => {
    const text = JSON.stringify(sorted(line));
    if (seen.has(text) || text === "[]") return false;
    seen.add(text);
    return true;
  });
}

/** The same for the same content, however its keys are ordered. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

/** Hosts that have not got that version of the service; all of them with `redeploy`. */
export function hostsWithout(
  hosts: readonly string[],
  wanted: { readonly service: string; readonly version: string },
  { versions, redeploy }: { readonly versions: Versions } & Pick<PlanWish, "redeploy">,
): readonly string[] {
  if (redeploy) return hosts;
  return hosts.filter((host) => versions.of(wanted.service, host) !== wanted.version);
}

/**
 * Hosts in groups that may be down together while at least `minUp` of all of them are up.
 *
 * @throws BAD_CONFIG when none may be down; `force` takes them one by one then
 * @example
 * hostGroups(["a", "b", "c", "d"], 2); // [["a", "b"], ["c", "d"]]
 */
export function hostGroups(
  hosts: readonly string[],
  minUp: number,
  { force = false } = {},
): readonly (readonly string[])[] {
  const grouping = groupsFor(hosts.length, minUp, { force });
  if (grouping.kind === "groups") return inGroups(hosts, grouping.sizes);
  throw new PropagitError("BAD_CONFIG", `${hosts.join(", ")}: ${grouping.why}`, {
    hint: "let fewer stay up, or take them one by one with --force",
  });
}
