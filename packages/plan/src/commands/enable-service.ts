/** Whether a service begins with its machine. */
import { PropagitError } from "@propagit/protocol";
import { described, object } from "@propagit/shapes";
import type { CommandContext, CommandEnd } from "../command.js";
import { defineCommand } from "../define-command.js";
import { serviceName } from "./kit/service.js";
import { lastLine } from "./kit/script.js";
import { shown, sudo } from "./kit/words.js";

const args = object({ service: described("Its name: nginx, app@1.service.", serviceName), sudo }, [
  "service",
]);

interface EnableArgs {
  readonly service: string;
  readonly sudo: boolean;
}

export const enableService = defineCommand({
  name: "enable-service",
  summary: "Has systemd start a service whenever its machine starts; now it stays as it is.",
  args,
  describe: ({ service }) => `would have ${shown(service)} start with its machine`,
  run: (wanted, context) => become("enable", wanted, context),
  undo: ({ service, sudo: asRoot }) => [{ command: "disable-service", service, sudo: asRoot }],
  example: { service: "app" },
});

export const disableService = defineCommand({
  name: "disable-service",
  summary: "Has systemd start a service no longer when its machine starts; now it stays as it is.",
  args,
  describe: ({ service }) => `would not have ${shown(service)} start with its machine`,
  run: (wanted, context) => become("disable", wanted, context),
  undo: ({ service, sudo: asRoot }) => [{ command: "enable-service", service, sudo: asRoot }],
  example: { service: "app" },
});

/** Words of `systemctl is-enabled` that are neither, such as `static`, cannot be changed by either. */
const wordOf = { enable: "enabled", disable: "disabled" } as const;

async function become(
  verb: "enable" | "disable",
  { service, sudo: asRoot }: EnableArgs,
  { host, signal, say }: CommandContext,
): Promise<CommandEnd> {
  const look = await host.execute(["systemctl", "is-enabled", "--", service], {
    signal,
    sudo: asRoot,
  });
  const word = look.output.trim();
  if (word === wordOf[verb]) return { outcome: "unchanged" };
  if (word !== wordOf.enable && word !== wordOf.disable) {
    const why = word === "" ? lastLine(look) : word;
    throw new PropagitError("TASK_FAILED", `${host.name}: ${shown(service)} is ${why}`, {
      hint: `only what is enabled or disabled can be changed: systemctl is-enabled ${service}`,
    });
  }
  const ended = await host.execute(["systemctl", verb, "--", service], {
    signal,
    sudo: asRoot,
    onOutput: say,
  });
  if (ended.code === 0) return { outcome: "done" };
  const why = `${verb} of ${shown(service)} failed: ${lastLine(ended)}`;
  throw new PropagitError("TASK_FAILED", `${host.name}: ${why}`);
}
