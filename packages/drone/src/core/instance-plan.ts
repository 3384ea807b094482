/** How an instance is run: what its service says, or the drone's own command. */
import type { Limits, Service } from "@propagit/protocol";
import type { Environment } from "./environment.js";
import type { InstanceRules } from "./instance-state.js";
import type { DroneSettings } from "./options.js";
import { withoutWaitingShell } from "./simple-command.js";
import type { InstanceNote } from "../world.js";

export interface InstancePlan {
  readonly command: readonly string[];
  /** Below the checkout. */
  readonly cwd: string | undefined;
  /** What the manifest sets, over it the settings of the environment. */
  readonly variables: Environment;
  readonly user: string | undefined;
  readonly limits: Limits | undefined;
  readonly rules: InstanceRules;
}

/** The one port of a drone's own command: PORT. */
const ownPortName = "port";
const [unknownReadyMs, unknownStopMs] = [30_000, 10_000];
/** As a service has it whose manifest says nothing. */
const defaultRestart = { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 } as const;

export function planOfService(
  service: Service,
  config: Environment,
  { drainMs }: Pick<DroneSettings, "drainMs">,
): InstancePlan {
  const { command, ports, ready, readyTimeoutMs, health, stop, restart } = service;
  const isSilent = ready === "listen" && ports.length === 0;
  return {
    command: withoutWaitingShell(command),
    cwd: service.cwd,
    variables: { ...service.env, ...config },
    user: service.user,
    limits: service.limits,
    rules: {
      ports,
      // Nothing to listen on: that it lives is all there is to see.
      ready: isSilent ? "alive" : ready,
      registers: ready !== "registry" && ports.length > 0,
      readyTimeoutMs,
      health,
      stop,
      restart,
      drainMs,
    },
  };
}

export function planOfCommand(
  command: readonly string[],
  settings: DroneSettings,
  config: Environment,
): InstancePlan {
  const { worker, readyTimeoutMs, stopTimeoutMs, drainMs } = settings;
  return {
    command,
    cwd: undefined,
    variables: config,
    user: undefined,
    limits: undefined,
    rules: {
      ports: [{ name: ownPortName }],
      ready: worker ? "alive" : "listen",
      registers: !worker,
      readyTimeoutMs,
      health: undefined,
      stop: { signal: "SIGTERM", deadlineMs: stopTimeoutMs },
      restart: defaultRestart,
      drainMs,
    },
  };
}

/**
 * For a process of an earlier life until it is known again how it is run: it goes on as it is, and ends when
 * nobody wants it.
 */
export function planOfNote(
  { ports, records }: Pick<InstanceNote, "ports" | "records">,
  { drainMs }: Pick<DroneSettings, "drainMs">,
): InstancePlan {
  const names = Object.keys(ports).map((name) => ({ name }));
  return {
    command: [],
    cwd: undefined,
    variables: {},
    user: undefined,
    limits: undefined,
    rules: {
      ports: names,
      ready: names.length > 0 ? "listen" : "alive",
      registers: records.length > 0,
      readyTimeoutMs: unknownReadyMs,
      health: undefined,
      stop: { signal: "SIGTERM", deadlineMs: unknownStopMs },
      restart: defaultRestart,
      drainMs,
    },
  };
}

/** The service of a specification; by default its first. */
export function serviceOf(
  services: readonly Service[],
  name: string | undefined,
): Service | undefined {
  return name === undefined ? services[0] : services.find((service) => service.name === name);
}
