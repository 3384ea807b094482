/** What a drone tells the hub about an instance. */
import type { InstanceReport } from "@propagit/protocol";
import type { InstanceState } from "./instance-state.js";

/** As the protocol bounds a reason. */
const reasonCharsMax = 2_000;
/** A report names at most this many services. */
const servicesMax = 32;

export function reportOf(state: InstanceState): InstanceReport {
  const { identity, life, run, since, restarts } = state;
  const { reason, lastLines = [] } = explanationOf(state);
  const port = portOf(state);
  return {
    ...identity,
    phase: life.kind,
    ...(run?.pid !== undefined && { pid: run.pid }),
    ...(port !== undefined && { port }),
    services: servicesOf(state),
    restarts,
    since,
    ...(reason !== undefined && { reason: reason.slice(0, reasonCharsMax) }),
    ...(lastLines.length > 0 && { lastLines: [...lastLines] }),
  };
}

function explanationOf({ life }: InstanceState): {
  readonly reason?: string;
  readonly lastLines?: readonly string[];
} {
  return life.kind === "failed" || life.kind === "restarting" ? life : {};
}

/** Where it answers: where it says, or PORT once the drone has registered that. */
function portOf({ life, run, port }: InstanceState): number | undefined {
  if (life.kind !== "ready" || !run) return undefined;
  return run.announced[0]?.port ?? (run.record === "held" ? port : undefined);
}

function servicesOf({ run, identity }: InstanceState): string[] {
  if (!run) return [];
  if (run.record === "held") return [identity.service];
  return [...new Set(run.announced.map(({ service }) => service))].slice(0, servicesMax);
}
