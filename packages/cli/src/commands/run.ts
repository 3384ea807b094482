import type { RunPart } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub } from "../hub-call.js";
import { showDryRun, withDryRunFlag, type DryRunFlags } from "../plans/dry-run.js";
import {
  checkCommand,
  exitCodeOf,
  failureOf,
  runChange,
  runTarget,
  withOneService,
  withRemoteCommand,
  withVariables,
  type OneServiceFlags,
  type RemoteFlags,
  type OutputPart,
  type RunParams,
} from "../remote-command.js";
import { RemoteInput } from "../remote-input.js";
import { RemoteOutput } from "../remote-output.js";
import type { RepoRelease } from "../targets.js";
import { hasTerminal, terminalKind, terminalSize } from "../terminal.js";

interface RunFlags extends RemoteFlags, OneServiceFlags, DryRunFlags {
  readonly env?: readonly (readonly [string, string])[];
}

export function runCommandCommand(): Command {
  const command = withVariables(
    withOneService(
      withRemoteCommand(
        new Command("run")
          .summary("run a one-off command in a release, on one drone")
          .description(
            "Runs a command to its end in the folder and environment of a release, beside its instances, on one drone that fits. Standard input, output and signals are connected, the terminal too when there is one; it ends with the command's exit code.",
          ),
      ),
    ),
  );
  return examples(withDryRunFlag(command), [
    "propagit run webapp -- node migrate.js",
    "propagit run webapp --dry-run -- node migrate.js",
    "propagit run webapp@14 --drone=web-1 -- bash",
    "propagit run webapp -- psql <dump.sql",
  ]).action(run);
}

async function run(what: RepoRelease, words: string[], flags: RunFlags): Promise<void> {
  const isTerminal = hasTerminal();
  const params: RunParams = {
    ...runTarget(what, flags),
    inside: false,
    one: true,
    command: checkCommand("run", words),
    env: Object.fromEntries(flags.env ?? []),
    ...(isTerminal && { terminal: { ...terminalSize(), kind: terminalKind() } }),
    input: true,
  };
  if (flags.dryRun) return showDryRun(runChange(params), flags);
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
