/** The step `setup-connect`: the host can be reached, and has what nobody can bring. Nothing is changed. */
import { defineCommand, lastLine } from "@propagit/plan";
import { object } from "@propagit/shapes";
import { formatNames } from "../output/quantity.js";
import { factsOf } from "./host-facts.js";
import { managerArg, managerOf, systemdAt } from "./manager.js";
import { failure, placeOf, tryThere } from "./there.js";

const args = object({ manager: managerArg }, ["manager"]);

const timeoutMs = 120_000;

export function connectStep() {
  return defineCommand({
    name: "setup-connect",
    summary: "Sees that a host can be reached and set up.",
    args,
    timeoutMs,
    describe: () => "would look whether it can be reached and has git",
    async run({ manager }, context) {
      const place = await placeOf(context);
      const facts = await factsOf(context, place);
      const { system, machine, libc, missing, git, user } = facts;
      const ssh = `ssh ${context.host.name}`;
      if (system !== "Linux") {
        throw failure(
          context,
          `it runs ${system}, and only Linux can be set up`,
          "install it by hand: npm install -g propagit",
        );
      }
      if (missing.length > 0) {
        const names = formatNames(missing);
        throw failure(
          context,
          `${names} is missing there`,
          `install it, for example: ${ssh} sudo apt-get install ${missing.join(" ")}`,
        );
      }
      const kind = managerOf(manager, place);
      if (kind === "system" && !place.isRoot) {
        const ended = await tryThere(context, { text: "true", sudo: true });
        if (ended.code !== 0)
          throw failure(context, lastLine(ended), `see why: ${ssh} sudo -n true`);
      }
      const why = kind === "none" ? undefined : await systemdAt(context, kind);
      if (why !== undefined) {
        throw failure(
          context,
          `no systemd runs there${kind === "user" ? ` for ${user}` : ""}: ${why}`,
          "have the drone kept running without it: --no-service",
        );
      }
      return {
        outcome: "unchanged",
        note: `${system} ${machine} with ${libc}, git ${git}, as ${user}`,
      };
    },
    example: { manager: "user" },
  });
}
