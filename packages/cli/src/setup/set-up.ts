/** `propagit setup`: makes the plan, and shows it or carries it out. */
import { resolve } from "node:path";
import { toolBox, type Run } from "@propagit/plan";
import { exitCodes, formatAddress, PropagitError, type DroneSummary } from "@propagit/protocol";
import { findHubAccess, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { carryOutNew } from "../plans/carry-out.js";
import { LocalRuns } from "../plans/local-runs.js";
import { showPlanned } from "../plans/show-plan.js";
import { version } from "../version.js";
import { setupCommands } from "./commands.js";
import type { ManagerWish } from "./manager.js";
import { formatResults, resultsOf } from "./results.js";
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
  const joined = new Map<string, DroneSummary>();
  const commands = new Map([
    ...toolBox,
    ...setupCommands({
      secretFor: () => secret,
      onJoined: (host, drone) => void joined.set(host, drone),
    }),
  ]);
  const plan = setupPlan(wishOf(hosts, hub, flags), commands);
  const folder = process.cwd();
  if (flags.dryRun) {
    return showPlanned({ plan, commands, folder, isGiven: false }, { all: true, ...flags });
  }
  if (secret === undefined) {
    throw new PropagitError("BAD_USAGE", `the secret of the hub ${hub} is not known`, {
      hint: "give it as --secret-file=…, or keep it: propagit remote add default HOST:PORT",
    });
  }
  const tellEnd = (id: string, run: Run) => tell({ id, run, joined, flags });
  const output = flags.json ? process.stderr : process.stdout;
  const runs = await LocalRuns.open();
  process.exitCode = await carryOutNew({ runs, plan, commands, output, tellEnd }, folder);
}

interface Ended {
  readonly id: string;
  readonly run: Run;
  readonly joined: ReadonlyMap<string, DroneSummary>;
  readonly flags: SetupFlags;
}

function tell({ id, run, joined, flags }: Ended): number {
  const results = resultsOf(id, run, joined);
  if (flags.json) printJson(results);
  else print(formatResults(results));
  const isGood = results.every(({ outcome }) => outcome === "set-up" || outcome === "unchanged");
  if (isGood) return exitCodes.ok;
  process.stderr.write(
    "what is done stays done: the same command goes on with what is left, or only there: " +
      `propagit plans retry ${id} --local\n`,
  );
  return exitCodes.failed;
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
