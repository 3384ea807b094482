/** `propagit setup`: makes the plan, and shows it or carries it out. */
import { resolve } from "node:path";
import { formatAddress, PropagitError } from "@propagit/protocol";
import { findHubAccess, type HubFlags } from "../hub-call.js";
import { carryOutNew } from "../plans/carry-out.js";
import { LocalRuns } from "../plans/local-runs.js";
import { showPlanned } from "../plans/show-plan.js";
import { version } from "../version.js";
import type { ManagerWish } from "./manager-choice.js";
import { setupNeeds } from "./needs.js";
import { setupPlan, type SetupWish } from "./setup-plan.js";

export interface SetupFlags extends HubFlags {
  readonly name?: string;
  readonly labels?: readonly string[];
  readonly zone?: string;
  readonly node?: string;
  readonly user?: boolean;
  readonly sudo?: boolean;
  /** False after `--no-service`. */
  readonly service: boolean;
  readonly data?: string;
  readonly concurrency: number;
  readonly wait: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function setUp(hosts: readonly string[], flags: SetupFlags): Promise<void> {
  const { hub: address, secret } = findHubAccess(flags);
  const hub = formatAddress(address);
  const needs = setupNeeds({ secretFor: () => secret, json: flags.json });
  const plan = setupPlan(wishOf(hosts, hub, flags), needs.commands);
  const folder = process.cwd();
  if (flags.dryRun) {
    return showPlanned({ plan, ...needs, folder, isGiven: false }, { all: true, ...flags });
  }
  if (secret === undefined) {
    throw new PropagitError("BAD_USAGE", `the secret of the hub ${hub} is not known`, {
      hint: "give it as --secret-file=…, or keep it: propagit remote add default HOST:PORT",
    });
  }
  const output = flags.json ? process.stderr : process.stdout;
  const runs = await LocalRuns.open();
  process.exitCode = await carryOutNew({ runs, plan, ...needs, output }, folder);
}

/** @throws BAD_USAGE */
function wishOf(hosts: readonly string[], hub: string, flags: SetupFlags): SetupWish {
  const { name, zone, data, node, concurrency } = flags;
  if (name !== undefined && hosts.length > 1) {
    throw new PropagitError("BAD_USAGE", "--name is for one host, and several are given", {
      hint: "leave it out: each drone is called as its host calls itself",
    });
  }
  const labels = [...(flags.labels ?? []), ...(zone === undefined ? [] : [`zone=${zone}`])];
  const { NODEJS_ORG_MIRROR: nodejs, npm_config_registry: registry } = process.env;
  return {
    hosts: [...new Set(hosts)],
    hub,
    version,
    manager: managerOf(flags),
    concurrency,
    name,
    labels: labels.length === 0 ? undefined : labels,
    data,
    node: node === undefined ? undefined : resolve(node),
    nodejs: nodejs?.replace(/\/$/, ""),
    registry: registry?.replace(/\/$/, ""),
    force: flags.force ?? false,
    withinMs: flags.wait,
  };
}

/** @throws BAD_USAGE */
function managerOf({ sudo, user, service }: SetupFlags): ManagerWish {
  const chosen: readonly ManagerWish[] = [
    ...(sudo ? (["system"] as const) : []),
    ...(user ? (["user"] as const) : []),
    ...(service ? [] : (["none"] as const)),
  ];
  const [only = "auto", other] = chosen;
  if (other === undefined) return only;
  throw new PropagitError("BAD_USAGE", "--sudo, --user and --no-service exclude one another", {
    hint: "say one of them: a service of the machine, of the user, or none",
  });
}
