import type { RunPart } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub } from "../hub-call.js";
import { endOnInterrupt } from "../interrupt.js";
import { prefixedOutput } from "../output/prefixed.js";
import { showDryRun, withDryRunFlag, type DryRunFlags } from "../plans/dry-run.js";
import {
  checkCommand,
  exitCodeOf,
  failureOf,
  runChange,
  runTarget,
  withOneService,
  withRemoteCommand,
  type OneServiceFlags,
  type RemoteFlags,
  type RunParams,
} from "../remote-command.js";
import { RemoteOutput } from "../remote-output.js";
import type { RepoRelease } from "../targets.js";

type ExecFlags = RemoteFlags & OneServiceFlags & DryRunFlags;

export function execCommand(): Command {
  const command = withOneService(
    withRemoteCommand(
      new Command("exec")
        .summary("run a command inside running instances, on every drone that fits")
        .description(
          "Runs a command to its end beside a running instance, in its folder and with its environment, PORT and PROCESS_ID included, on every drone that fits. Each line has the drone's name in front. Ends with the first exit code that is not 0.",
        ),
    ),
  );
  return examples(withDryRunFlag(command), [
    "propagit exec webapp -- node --version",
    "propagit exec webapp --drone '/^web-/' --service=http -- sh -c 'curl -s localhost:$PORT/up'",
  ]).action(exec);
}

async function exec(what: RepoRelease, words: string[], flags: ExecFlags): Promise<void> {
  const params: RunParams = {
    ...runTarget(what, flags),
    inside: true,
    one: false,
    command: checkCommand("exec", words),
    env: {},
    input: false,
  };
  if (flags.dryRun) return showDryRun(runChange(params), flags);
  endOnInterrupt();
  const result = await withHub(flags, (hub) => converse(hub, params));
  const codes = result.runs.map(exitCodeOf);
  const first = codes.find((code) => code !== 0);
  const failure = failureOf(result);
  if (failure) throw failure;
  process.exitCode = first ?? 0;
}

/** Output comes no faster than it is read here, however many drones write it. */
async function converse(hub: Conversation, params: RunParams) {
  const { stream } = params;
  const lines = prefixedOutput();
  const output = new RemoteOutput((bytes) => hub.tell("run.taken", { stream, bytes }));
  const onPart = (part: RunPart) => {
    if (part.kind === "started") output.start();
    if (part.kind !== "output") return;
    const bytes = Buffer.from(part.data, "base64");
    output.write(targets[part.stream], lines.take(part.drone, part.stream, bytes), bytes.length);
  };
  const result = await hub.call("hub.run", params, { limitMs: 0, onPart });
  for (const rest of lines.end()) targets[rest.stream].write(rest.text);
  return result;
}

const targets = { out: process.stdout, err: process.stderr } as const;
