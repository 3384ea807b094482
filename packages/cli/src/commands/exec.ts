import { randomBytes } from "node:crypto";
import type { RunPart } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { endOnInterrupt } from "../interrupt.js";
import { prefixedOutput } from "../output/prefixed.js";
import { checkCommand, exitCodeOf, failureOf, type RunParams } from "../remote-command.js";
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
import { serviceFlag, type OneServiceFlags } from "./run.js";

type ExecFlags = HubFlags & EnvironmentFlags & DroneFlags & OneServiceFlags;

export function execCommand(): Command {
  const command = serviceFlag(
    withDroneFlags(
      withEnvironmentFlag(
        withHubFlags(
          new Command("exec")
            .summary("run a command inside running instances, on every drone that fits")
            .description(
              "Runs a command to its end beside a running instance, in its folder and with its environment, PORT and PROCESS_ID included, on every drone that fits. Each line has the drone's name in front. Ends with the first exit code that is not 0.",
            )
            .argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease))
            .argument("[command...]", "the command, after `--`"),
        ),
      ),
    ),
  ).usage("[options] <repo> -- <command...>");
  return examples(command, [
    "propagit exec webapp -- node --version",
    "propagit exec webapp --drone '/^web-/' --service=http -- sh -c 'curl -s localhost:$PORT/up'",
  ]).action(exec);
}

async function exec(what: RepoRelease, words: string[], flags: ExecFlags): Promise<void> {
  const params: RunParams = {
    stream: randomBytes(16).toString("hex"),
    ...what,
    ...environmentOf(flags),
    ...(flags.service !== undefined && { service: flags.service }),
    drones: droneTarget(flags) ?? {},
    inside: true,
    one: false,
    command: checkCommand("exec", words),
    env: {},
    input: false,
    by: author(),
  };
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
