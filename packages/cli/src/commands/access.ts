import { parseRepoName, PropagitError, quote, type RouteView } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatOrigin } from "../output/route-view.js";
import { plainText } from "../output/text-width.js";
import { hashPassword } from "../password-hash.js";
import { showDryRun, type ChangeOf } from "../plans/dry-run.js";
import { readSecretValue } from "../secret-value.js";
import {
  changeRoute,
  fetchRoutes,
  nameOf,
  placeOf,
  withRuleFlags,
  withTrafficFlags,
  type RuleFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { environmentOf } from "../targets.js";

export function accessCommand(): Command {
  return withHubFlags(
    new Command("access")
      .summary("who may see a repository with a password")
      .description(
        "Basic auth for previews: once somebody has access, everybody else is asked for a name and a password. Passwords leave this machine as scrypt hashes only.",
      ),
  )
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(listCommand());
}

function addCommand(): Command {
  const command = withRuleFlags(
    new Command("add")
      .summary("give somebody access, with a password from standard input or a file")
      .description(
        "Gives access with a password, or another password. It comes from standard input or a file, never from the command line, which everybody on the machine can read; on a terminal it is asked for. One line end at its end is left out.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<user>", "the name", asFlag(parseUser)),
  ).option("--file <path>", "file with the password");
  return examples(command, [
    "propagit access add webapp ann <password.txt",
    "propagit access add webapp ann -e staging --file=password.txt",
    "propagit access add webapp ann --dry-run",
  ]).action(async (repo: string, user: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags & { readonly file?: string }>();
    if (flags.dryRun) return showDryRun(accessChange(repo, flags, { add: user }), flags);
    const place = placeOf(repo, flags);
    const hash = await hashPassword(await readSecretValue(`${user}'s password`, flags.file));
    await changeRoute(
      flags,
      (hub) => hub.call("hub.access", { ...place, add: { name: user, hash } }),
      (view) => `${user} has access to ${nameOf(place)}; ${whoHas(view)}`,
    );
  });
}

function removeCommand(): Command {
  const command = withRuleFlags(
    new Command("rm")
      .summary("take access from somebody")
      .description("Takes access away; with the last one, everybody may come again.")
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<user>", "the name", asFlag(parseUser)),
  );
  return examples(command, ["propagit access rm webapp ann"]).action(
    async (repo: string, user: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<RuleFlags>();
      if (flags.dryRun) return showDryRun(accessChange(repo, flags, { remove: user }), flags);
      const place = placeOf(repo, flags);
      await changeRoute(
        flags,
        (hub) => hub.call("hub.access", { ...place, remove: user }),
        (view) => `${user} has no access to ${nameOf(place)}; ${whoHas(view)}`,
      );
    },
  );
}

/** Without the password: a plan has none. */
function accessChange(
  repo: string,
  flags: RuleFlags,
  who: Pick<ChangeOf<"access">, "add" | "remove">,
): ChangeOf<"access"> {
  return { kind: "access", repo, ...environmentOf(flags), ...who };
}

function listCommand(): Command {
  const command = withTrafficFlags(
    new Command("ls")
      .summary("who has access")
      .description("Lists who has access, and who gave it last.")
      .argument("<repo>", "the repository", asFlag(parseRepoName)),
  );
  return examples(command, ["propagit access ls webapp"]).action(
    async (repo: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<TrafficFlags>();
      const { environment = "production" } = flags;
      const routes = await withHub(flags, (hub) => fetchRoutes(hub, repo, { environment }));
      const [view] = routes;
      const names = (view?.rules.users ?? []).map(({ name }) => name);
      if (flags.json) printJson(names);
      else if (view) print(`${whoHas(view)}${lastChange(view)}\n`);
      else print("everybody may come\n");
    },
  );
}

function lastChange({ origins }: RouteView): string {
  const origin = origins.find(({ rule }) => rule === "users")?.origin;
  return origin ? `; last changed by ${plainText(formatOrigin(origin, Date.now()))}` : "";
}

function whoHas({ rules: { users = [] } }: RouteView): string {
  if (users.length === 0) return "everybody may come";
  return `only these may come: ${users.map(({ name }) => plainText(name)).join(", ")}`;
}

/** RFC 7617, section 2: the first colon ends the name. */
function parseUser(text: string): string {
  if (/^[^:\p{Cc}]{1,200}$/u.test(text)) return text;
  throw new PropagitError("BAD_NAME", `${quote(text)} cannot be the name of a user`, {
    hint: "use up to 200 characters without a colon",
  });
}
