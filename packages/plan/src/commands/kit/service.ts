/**
 * Services: how each manager starts, stops and looks at one. By the exit codes that all of them share since the
 * init scripts: 0 it runs, 1 to 3 it does not, more: nobody knows.
 */
import { PropagitError } from "@propagit/protocol";
import {
  choice,
  command as commandWords,
  described,
  duration,
  mapped,
  text,
  withDefault,
} from "@propagit/shapes";
import type { Shape } from "@propagit/shapes";
import type { CommandContext, CommandEnd } from "../../command.js";
import { pollUntil, type PollView } from "./poll.js";
import { lastLine } from "./script.js";
import { shown, sudo } from "./words.js";

export interface ServiceArgs {
  readonly service: string;
  readonly manager: "systemd" | "supervisord";
  readonly run?: readonly string[];
  readonly check?: readonly string[];
  readonly within: number;
  readonly sudo: boolean;
}

export type Verb = "start" | "stop" | "restart" | "reload" | "kill";
export type ServiceState = "running" | "stopped";

export const serviceName = text({
  wanted: "a service",
  max: 255,
  pattern: "^[A-Za-z0-9_@.:\\\\][A-Za-z0-9_@.:\\\\-]*$",
  why: "is not the name of a service",
});

const checkWords = described(
  "Instead of what the manager knows: a program that ends with 0 when it runs, with 1 to 3 when not.",
  commandWords,
);

export const checkFields = {
  service: described(
    "Its name: nginx, app@1.service; for messages only, with words of your own.",
    serviceName,
  ),
  manager: described("(systemd)", withDefault(choice("systemd", "supervisord"), "systemd")),
  check: checkWords,
  within: described("How long it may take until it is so (60s).", withDefault(duration(), "60s")),
  sudo,
};

export const serviceFields = {
  ...checkFields,
  run: described("Instead of what the manager does: a program; with `check`.", commandWords),
};

/** Both of one's own, or none. */
export function ownWordsTogether<A extends Pick<ServiceArgs, "run" | "check">>(
  shape: Shape<A>,
): Shape<A> {
  return mapped(shape, (value, at, _where, problems) => {
    if ((value.run === undefined) !== (value.check === undefined)) {
      problems.add(at, "has one of `run` and `check`; it takes both, or the manager's");
    }
    return value;
  });
}

export async function lookAt(
  args: ServiceArgs,
  context: CommandContext,
): Promise<PollView & { state: ServiceState }> {
  const { host, signal } = context;
  const words = args.check ?? checkOf(args);
  const ended = await host.execute(words, { signal, sudo: args.sudo });
  if (ended.code > 3) {
    const why = `cannot be known whether ${shown(args.service)} runs: ${lastLine(ended)}`;
    throw new PropagitError("TASK_FAILED", `${host.name}: it ${why}`);
  }
  const state = ended.code === 0 ? "running" : "stopped";
  const word = ended.output.trim().split("\n").at(-1)?.trim().slice(0, 100) ?? "";
  const how = word === "" || args.check !== undefined ? state : word;
  return { isSo: false, state, why: `${shown(args.service)} on ${host.name} is ${how}` };
}

/** Until it is in that state; says every 30 s how it is. */
export function waitFor(
  wanted: ServiceState,
  args: ServiceArgs,
  context: CommandContext,
): Promise<CommandEnd> {
  return pollUntil(context, {
    withinMs: args.within,
    everyMs: 1_000,
    look: async () => {
      const view = await lookAt(args, context);
      return { ...view, isSo: view.state === wanted };
    },
  });
}

export async function act(verb: Verb, args: ServiceArgs, context: CommandContext): Promise<void> {
  const { host, signal, say } = context;
  const words = args.run ?? runOf(verb, args);
  const ended = await host.execute(words, { signal, sudo: args.sudo, onOutput: say });
  if (ended.code === 0) return;
  const why = `${verb} of ${shown(args.service)} failed: ${lastLine(ended)}`;
  throw new PropagitError("TASK_FAILED", `${host.name}: ${why}`);
}

function runOf(verb: Verb, { manager, service }: ServiceArgs): readonly string[] {
  if (manager === "systemd") {
    const words = verb === "kill" ? ["kill", "--signal=SIGKILL"] : [verb];
    return ["systemctl", ...words, "--", service];
  }
  // It has no words for reloading or killing a program; signals are how that is done.
  if (verb === "reload") return ["supervisorctl", "signal", "HUP", service];
  if (verb === "kill") return ["supervisorctl", "signal", "KILL", service];
  return ["supervisorctl", verb, service];
}

function checkOf({ manager, service }: ServiceArgs): readonly string[] {
  if (manager === "systemd") return ["systemctl", "is-active", "--", service];
  return ["supervisorctl", "status", service];
}
