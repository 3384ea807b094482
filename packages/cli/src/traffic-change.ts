/** What the commands share that say something about traffic by hand. */
import type { MethodName, Params, RouteView } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import type { Command } from "commander";
import { author } from "./author.js";
import { collect, withHub, withHubFlags, type HubFlags } from "./hub-call.js";
import { print, printJson } from "./output/print.js";
import { inEnvironment } from "./output/route.js";
import { showDryRun, withDryRunFlag, type ChangeOf } from "./plans/dry-run.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "./targets.js";

export interface TrafficFlags extends HubFlags, EnvironmentFlags {
  readonly json?: boolean;
}

export interface RuleFlags extends TrafficFlags {
  readonly dryRun?: boolean;
}

/** Who changes what; every change has both. */
export interface Place {
  readonly repo: string;
  readonly environment?: string;
  readonly by: string;
}

export function withTrafficFlags(command: Command): Command {
  return withEnvironmentFlag(withHubFlags(command)).option(...jsonFlag);
}

/** For one that can be planned. */
export function withRuleFlags(command: Command): Command {
  return withDryRunFlag(withTrafficFlags(command));
}

/** For a command that shows every environment when none is named. */
export function withSightFlags(command: Command): Command {
  return withEnvironmentFlag(withHubFlags(command), "all").option(...jsonFlag);
}

const jsonFlag = ["--json", "print the route as JSON, with the origin of each part"] as const;

export function placeOf(repo: string, flags: EnvironmentFlags): Place {
  return { repo, by: author(), ...environmentOf(flags) };
}

/** `webapp`, `webapp (staging)` */
export function nameOf({ repo, environment }: Place): string {
  return `${repo}${inEnvironment(environment)}`;
}

/** Changes a route, and says so. */
export async function changeRoute(
  flags: TrafficFlags,
  ask: (hub: Conversation) => Promise<RouteView>,
  say: (view: RouteView) => string,
): Promise<void> {
  const view = await withHub(flags, ask);
  if (flags.json) printJson(view);
  else print(`${say(view)}\n`);
}

/** Changes of a route that can be planned. */
type RouteChange = ChangeOf<"rules" | "host" | "experiment-start" | "experiment-stop" | "shadow">;

/** As `changeRoute`; with `--dry-run` only what it would do. */
export async function changeSaid(
  change: RouteChange,
  flags: RuleFlags,
  say: (view: RouteView) => string,
): Promise<void> {
  if (flags.dryRun) return showDryRun(change, flags);
  await changeRoute(flags, (hub) => ask(hub, change), say);
}

const methods = {
  rules: "hub.rules",
  host: "hub.host",
  "experiment-start": "hub.experiment-start",
  "experiment-stop": "hub.experiment-stop",
  shadow: "hub.shadow",
} as const satisfies Record<RouteChange["kind"], MethodName>;

/** Each is asked for by the same words as it is planned. */
function ask(hub: Conversation, { kind, ...asked }: RouteChange): Promise<RouteView> {
  const params: unknown = { ...asked, by: author() };
  return hub.call(methods[kind], params as Params<(typeof methods)[typeof kind]>);
}

export function rulesChange(
  repo: string,
  flags: EnvironmentFlags,
  change: Partial<Pick<ChangeOf<"rules">, "set" | "off" | "unset" | "end">>,
): ChangeOf<"rules"> {
  return { kind: "rules", repo, set: {}, off: [], unset: [], ...change, ...environmentOf(flags) };
}

/** Routes as they are, of one repository or all. */
export function fetchRoutes(
  hub: Conversation,
  repo: string | undefined,
  flags: EnvironmentFlags,
): Promise<readonly RouteView[]> {
  const params = { ...(repo !== undefined && { repo }), ...environmentOf(flags) };
  return collect(async (onPart) => (await hub.call("hub.route", params, { onPart })).routes);
}
