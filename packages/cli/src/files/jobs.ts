/**
 * Pushes as deploy-in-stages showed its jobs: in buckets, each with the hosts that have it, failed,
 * were stopped or are still to come. They are plans; what they say is counted here.
 */
import type { PlanDelegation, PlanStage, PlanSummary } from "@propagit/protocol";

/** `pending`: on its way; as the ancestor called them. */
export type Bucket = "queued" | "pending" | "done" | "failed" | "stopped";

export const buckets: readonly Bucket[] = ["queued", "pending", "done", "failed", "stopped"];

/** A drone of a job: of the hub's own part, or of one that a relay carries out. */
export interface JobHost {
  readonly host: string;
  /** Drones that handed it on, outermost first. */
  readonly way: readonly string[];
  readonly state: PlanStage["tasks"][number]["state"];
  readonly reason?: string;
  readonly nextAt?: number;
  readonly endedAt?: number;
}

type SeenTask = Pick<
  PlanStage["tasks"][number],
  "task" | "command" | "host" | "state" | "reason" | "nextAt" | "endedAt"
>;

/** With which the names of such plans begin; those of pushes without a target are the hub's. */
const namePrefix = "files to ";
const hubPrefix = "files push ";

export function nameOfJob(destination: string): string {
  return `${namePrefix}${destination}`.replaceAll(/\s+/g, " ").slice(0, 200);
}

export function isJob({ name }: Pick<PlanSummary, "name">): boolean {
  return name.startsWith(namePrefix) || name.startsWith(hubPrefix);
}

/** As with the ancestor, a job has failed when any host has, and is done when all are. */
export function bucketOf({ state, outcome, counts }: PlanSummary): Bucket {
  if (state === "new" || state === "queued") return "queued";
  if (state !== "over") return "pending";
  if (outcome === "stopped") return "stopped";
  return outcome === "done" && counts.failed === 0 ? "done" : "failed";
}

/** Every drone that files are put on, in the order of the plan, those of relays where these stand. */
export function hostsOf(
  run: string,
  stages: readonly { readonly tasks: readonly SeenTask[] }[],
  parts: readonly PlanDelegation[],
  way: readonly string[] = [],
): readonly JobHost[] {
  return stages.flatMap(({ tasks }) =>
    tasks.flatMap(({ task, command, host, state, reason, nextAt, endedAt }) => {
      if (command === "delegate") {
        const part = parts.find((one) => one.parent === run && one.task === task);
        return part ? hostsOf(part.run, part.stages, parts, [...way, host]) : [];
      }
      if (command !== "put-files") return [];
      const known = {
        ...(reason !== undefined && { reason }),
        ...(nextAt !== undefined && { nextAt }),
        ...(endedAt !== undefined && { endedAt }),
      };
      return [{ host, way, state, ...known }];
    }),
  );
}
