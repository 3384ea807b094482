/** What a drone tells the hub about an instance. */
import type { InstancePhase, InstanceReport } from "@propagit/protocol";
import type { InstanceState } from "./instance-state.js";

/** As the protocol bounds a reason. */
const reasonCharsMax = 2_000;
/** A report names at most this many services. */
const servicesMax = 32;

export function reportOf(state: InstanceState): InstanceReport {
  const { run, since, restarts, identity } = state;
  const { process, repo, commit, service, deployment, environment, release, slot } = identity;
  const { reason, lastLines = [] } = explanationOf(state);
  const port = portOf(state);
  const health = healthOf(state);
  return {
    process,
    repo,
    commit,
    service,
    deployment,
    environment,
    release,
    slot,
    phase: phaseOf(state),
    ...(run?.pid !== undefined && { pid: run.pid }),
    ...(port !== undefined && { port }),
    services: servicesOf(state),
    restarts,
    since,
    ...(health && { health }),
    ...(reason !== undefined && { reason: reason.slice(0, reasonCharsMax) }),
    ...(lastLines.length > 0 && { lastLines: [...lastLines] }),
  };
}

/** The name in the registry of one of a service's ports. */
export function recordName(service: string, port: string, index: number): string {
  return index === 0 ? service : `${service}.${port}`;
}

function phaseOf({ life }: InstanceState): InstancePhase {
  if (life.kind === "done") return "stopped";
  return life.kind === "stopping" && life.after.kind !== "gone" ? "restarting" : life.kind;
}

function explanationOf({ life, run }: InstanceState): {
  readonly reason?: string;
  readonly lastLines?: readonly string[];
} {
  switch (life.kind) {
    case "failed":
    case "restarting":
    case "done":
      return life;
    case "stopping":
      if (life.after.kind === "restart") return { reason: "somebody asked for a restart" };
      return life.after.kind === "unhealthy" ? life.after : {};
    case "ready":
      return run?.health?.verdict === "failing"
        ? { reason: `unhealthy: ${run.health.reason}` }
        : {};
    case "waiting":
    case "fetching":
    case "checking-out":
    case "starting":
    case "stopped":
      return {};
    default:
      return life satisfies never;
  }
}

function healthOf({ run }: InstanceState): "passing" | "failing" | undefined {
  const verdict = run?.health?.verdict;
  return verdict === "unknown" ? undefined : verdict;
}

/** Where it answers: where it says, or PORT once the drone has registered that. */
function portOf({ life, run, ports, rules }: InstanceState): number | undefined {
  if (life.kind !== "ready" || !run) return undefined;
  const [first] = rules.ports;
  const own = first && run.record === "held" ? ports[first.name] : undefined;
  return run.announced[0]?.port ?? own;
}

function servicesOf({ run, identity, rules }: InstanceState): string[] {
  if (!run) return [];
  const own = rules.ports.map(({ name }, index) => recordName(identity.service, name, index));
  if (run.record === "held") return own.slice(0, servicesMax);
  return [...new Set(run.announced.map(({ service }) => service))].slice(0, servicesMax);
}
