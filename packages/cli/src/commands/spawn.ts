import { parseServiceName, PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub } from "../hub-call.js";
import { formatFailed } from "../output/failed-instances.js";
import { print, printJson } from "../output/print.js";
import { formatProgress } from "../output/progress.js";
import { formatCount } from "../output/quantity.js";
import { showDryRun, withDryRunFlag } from "../plans/dry-run.js";
import {
  checkCommand,
  withRemoteCommand,
  withVariables,
  type RemoteFlags,
} from "../remote-command.js";
import { spawnedService } from "../spawned-service.js";
import { droneTarget, environmentOf, type RepoRelease } from "../targets.js";

interface SpawnFlags extends RemoteFlags {
  readonly name?: string;
  readonly env?: readonly (readonly [string, string])[];
  readonly worker?: boolean;
  readonly one?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

export function spawnCommand(): Command {
  const named = withRemoteCommand(
    new Command("spawn")
      .summary("keep one more command running beside the services of a release")
      .description(
        "Starts a command in the folder and environment of a release and keeps it running like a service of the manifest, on every drone that fits. `propagit stop REPO --service=NAME` ends it.",
      ),
  ).option(
    "--name <name>",
    "name of the service (default: the script's file name)",
    asFlag(parseServiceName),
  );
  const command = withVariables(named)
    .option("--worker", "it never listens on PORT")
    .option("--one", "on one of the drones that fit instead of each")
    .option("--json", "print the instances as JSON");
  return examples(withDryRunFlag(command), [
    "propagit spawn webapp --worker --drone=web-1 -- node consume.js",
    "propagit spawn webapp@14 --name=admin --one -- node admin.js",
  ]).action(spawn);
}

async function spawn(what: RepoRelease, words: string[], flags: SpawnFlags): Promise<void> {
  const command = checkCommand("spawn", words);
  const env = Object.fromEntries(flags.env ?? []);
  const name = flags.name ?? (await nameOf(command));
  const service = spawnedService({ name, command, env, worker: flags.worker ?? false });
  const where = {
    ...what,
    ...environmentOf(flags),
    drones: droneTarget(flags) ?? {},
    one: flags.one ?? false,
  };
  if (flags.dryRun) {
    const bare = { service: { ...service, env: {} }, variables: Object.keys(env) };
    return showDryRun({ kind: "spawn", ...where, ...bare }, flags);
  }
  const params = { ...where, service, by: author() };
  const { instances, failed = [] } = await withHub(flags, (hub) =>
    hub.call("hub.spawn", params, {
      limitMs: 0,
      onPart: (progress) => {
        if (!flags.json) print(formatProgress(progress));
      },
    }),
  );
  if (flags.json) printJson(instances);
  if (failed.length > 0) {
    const message = `${service.name} is not ready everywhere: ${formatFailed(failed)}`;
    throw new PropagitError("COMMAND_FAILED", message, {
      hint: `see why with: propagit logs ${what.repo}; end it with: propagit stop ${what.repo} --service=${service.name}`,
    });
  }
  if (!flags.json)
    print(`${service.name} is spawned: ${formatCount(instances.length, "instance")}\n`);
}

/** As a drone would name it. */
async function nameOf(command: readonly string[]): Promise<string> {
  const { serviceNameOf } = await import("@propagit/drone");
  return serviceNameOf(command);
}
