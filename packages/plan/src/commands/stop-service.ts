/** Stops a service. */
import { toPropagitError, type PropagitError } from "@propagit/protocol";
import { command as commandWords, described, duration, mapped, object } from "@propagit/shapes";
import type { CommandContext, CommandEnd } from "../command.js";
import { defineCommand } from "../define-command.js";
import {
  act,
  lookAt,
  ownWordsTogether,
  serviceFields,
  waitFor,
  type ServiceArgs,
} from "./kit/service.js";
import { shown } from "./kit/words.js";

const fields = {
  ...serviceFields,
  killAfter: described(
    "When it has not stopped by then, its processes are killed, and `within` begins (never).",
    duration(),
  ),
  kill: described(
    "Instead of what the manager does for that: a program; with `run`.",
    commandWords,
  ),
};

const args = mapped(
  ownWordsTogether(object(fields, ["service"])),
  (value, at, _where, problems) => {
    const { run, kill, killAfter } = value;
    if (kill && (!run || killAfter === undefined)) {
      problems.add(at, "has `kill` without `run` or without `killAfter`");
    } else if (run && killAfter !== undefined && !kill) {
      problems.add(at, "has `killAfter` and a `run` of its own, and no `kill`: nobody knows how");
    }
    return value;
  },
);

export const stopService = defineCommand({
  name: "stop-service",
  summary: "Stops a service that runs, and waits until it has; with `killAfter`, not forever.",
  args,
  describe: ({ service, killAfter }) => {
    const killed = killAfter === undefined ? "" : `, and kill it after ${killAfter / 1_000} s`;
    return `would stop ${shown(service)}, if it runs${killed}`;
  },
  async run({ kill, killAfter, ...wanted }, context) {
    if ((await lookAt(wanted, context)).state === "stopped") return { outcome: "unchanged" };
    if (killAfter !== undefined) return stopOrKill(wanted, { afterMs: killAfter, kill }, context);
    await act("stop", wanted, context);
    await waitFor("stopped", wanted, context);
    return { outcome: "done" };
  },
  undo: ({ service, manager, run, sudo }) =>
    run ? [] : [{ command: "start-service", service, manager, sudo }],
  example: { service: "app", killAfter: "30s" },
});

interface Killing {
  readonly afterMs: number;
  readonly kill: readonly string[] | undefined;
}

/** A manager's own stop may wait for as long as the service likes: the time is measured beside it. */
async function stopOrKill(
  wanted: ServiceArgs,
  { afterMs, kill }: Killing,
  context: CommandContext,
): Promise<CommandEnd> {
  const { signal, say } = context;
  const stopping = failureOf(act("stop", wanted, context));
  const late = await failureOf(waitFor("stopped", { ...wanted, within: afterMs }, context));
  if (!late || signal.aborted || late.code !== "TASK_FAILED") {
    const failure = (await stopping) ?? late;
    if (failure) throw failure;
    return { outcome: "done" };
  }
  say(`${late.message}: it is killed`);
  const killing = kill ? { ...wanted, run: kill } : wanted;
  const unkilled = await failureOf(act("kill", killing, context));
  // What its stop says of that is no matter: it is over as soon as the service is.
  const alive = await failureOf(waitFor("stopped", wanted, context));
  if (alive) throw unkilled ?? alive;
  await stopping;
  return { outcome: "done", note: "killed" };
}

async function failureOf(doing: Promise<unknown>): Promise<PropagitError | undefined> {
  try {
    await doing;
    return undefined;
  } catch (thrown) {
    return toPropagitError(thrown);
  }
}
