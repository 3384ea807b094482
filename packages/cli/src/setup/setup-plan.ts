/**
 * What `propagit setup` does, as a plan: a line for each host, whose steps are done one after the other.
 *
 *     deploy@a   connect > node > program > secret > service > joined
 *     deploy@b   connect > node > …
 *
 * It is one stage, not one for each step: a host whose step failed goes no further, and no other host waits for it,
 * as none waits for the slowest copy.
 */
import { readPlan, type Commands, type Plan, type TaskDraft } from "@propagit/plan";
import { formatNames } from "../output/quantity.js";
import type { DroneWish } from "./drone-record.js";
import type { ManagerWish } from "./manager.js";

export interface SetupWish extends DroneWish {
  readonly hosts: readonly string[];
  readonly version: string;
  readonly manager: ManagerWish;
  readonly concurrency: number;
  readonly node?: string | undefined;
  /** Where Nodes are got from, when it is not where everybody gets them. */
  readonly nodejs?: string | undefined;
  readonly registry?: string | undefined;
  readonly force: boolean;
  readonly withinMs: number;
}

/** @throws BAD_PLAN */
export function setupPlan(wish: SetupWish, commands: Commands): Plan {
  const { hosts, concurrency } = wish;
  const stage = {
    name: "set up",
    concurrency,
    concurrencyPerHost: 1,
    // One fewer than all: when none could be set up, the plan has failed.
    maxFailures: hosts.length - 1,
    onFailure: "stop",
    tasks: hosts.map((host) => stepsOf(host, wish)),
  };
  const value = { name: `set up ${formatNames(hosts, 3)}`, stages: [stage] };
  return readPlan({ maker: "propagit setup", value }, commands);
}

function stepsOf(host: string, wish: SetupWish): readonly TaskDraft[] {
  const { hub, name, labels, data, manager, version, node, nodejs, registry, force } = wish;
  return [
    { command: "setup-connect", host, manager },
    { command: "setup-node", host, node, nodejs, registry },
    { command: "setup-program", host, version, force },
    { command: "setup-secret", host, hub },
    { command: "setup-service", host, hub, manager, name, labels, data },
    { command: "setup-joined", host, version, within: `${wish.withinMs}ms` },
  ];
}
