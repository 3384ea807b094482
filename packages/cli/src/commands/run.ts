import { randomBytes } from "node:crypto";
import { parseServiceName, type RunPart } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseSetting } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import {
  checkCommand,
  exitCodeOf,
  failureOf,
  type OutputPart,
  type RunParams,
} from "../remote-command.js";
import { RemoteInput } from "../remote-input.js";
import { RemoteOutput } from "../remote-output.js";
import {
  droneTarget,
  environmentOf,
  parseRepoRelease,
  withDroneFlags,
  withEnvironmentFlag,
  type DroneFlags,
  type EnvironmentFlags,
  type RepoRelease,
} from "../targets.js";
import { hasTerminal, terminalKind, terminalSize } from "../terminal.js";

export interface OneServiceFlags {
  readonly service?: string;
}

interface RunFlags extends HubFlags, EnvironmentFlags, DroneFlags, OneServiceFlags {
  readonly env?: readonly (readonly [string, string])[];
}

export function runCommandCommand(): Command {
  const command = serviceFlag(
    withDroneFlags(
      withEnvironmentFlag(
        withHubFlags(
          new Command("run")
            .summary("run a one-off command in a release, on one drone")
            .description(
              "Runs a command to its end in the folder and environment of a release, beside its instances, on one drone that fits. Standard input, output and signals are connected, the terminal too when there is one; it ends with the command's exit code.",
            )
            .argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease))
            .argument("[command...]", "the command, after `--`"),
        ),
      ),
    ),
  )
    .usage("[options] <repo> -- <command...>")
    .option(
      "--env <NAME=VALUE>",
      "variable for the command; may be repeated",
      asRepeatedFlag(parseSetting),
    );
  return examples(command, [
    "propagit run webapp -- node migrate.js",
    "propagit run webapp@14 --drone=web-1 -- bash",
    "propagit run webapp -- psql <dump.sql",
  ]).action(run);
}

/** One service, whose environment, folder and user a command has. */
export function serviceFlag(command: Command): Command {
  return command.option(
    "--service <name>",
    "service whose environment it has (default: the first)",
    asFlag(parseServiceName),
  );
}

async function run(what: RepoRelease, words: string[], flags: RunFlags): Promise<void> {
  const isTerminal = hasTerminal();
  const params: RunParams = {
    stream: randomBytes(16).toString("hex"),
    ...what,
    ...environmentOf(flags),
    ...(flags.service !== undefined && { service: flags.service }),
    drones: droneTarget(flags) ?? {},
    inside: false,
    one: true,
    command: checkCommand("run", words),
    env: Object.fromEntries(flags.env ?? []),
    ...(isTerminal && { terminal: { ...terminalSize(), kind: terminalKind() } }),
    input: true,
    by: author(),
  };
  const result = await withHub(flags, (hub) => converse(hub, params));
  const failure = failureOf(result);
  if (failure) throw failure;
  const [ended] = result.runs;
  process.exitCode = ended ? exitCodeOf(ended) : 0;
}

function write(output: RemoteOutput, { stream, data }: OutputPart): void {
  const bytes = Buffer.from(data, "base64");
  output.write(stream === "out" ? process.stdout : process.stderr, bytes, bytes.length);
}

/** Input goes there from when the command has started, until it ends; output no faster than it is taken. */
async function converse(hub: Conversation, params: RunParams) {
  const { stream } = params;
  const hasTerminal = params.terminal !== undefined;
  const output = new RemoteOutput((bytes) => hub.tell("run.taken", { stream, bytes }));
  let input: RemoteInput | undefined;
  const onPart = (part: RunPart) => {
    switch (part.kind) {
      case "started":
        output.start();
        input ??= new RemoteInput({ hub, stream, hasTerminal });
        break;
      case "output":
        write(output, part);
        break;
      case "taken":
        input?.taken(part.bytes);
        break;
      default:
        part satisfies never;
    }
  };
  try {
    return await hub.call("hub.run", params, { limitMs: 0, onPart });
  } finally {
    input?.stop();
  }
}
