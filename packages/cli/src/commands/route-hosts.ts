import { readRuleChanges } from "@propagit/manifest";
import { parseServiceName, PropagitError, type HostRoute, type Rules } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { changeSaid, nameOf, placeOf, withRuleFlags, type RuleFlags } from "../traffic-change.js";
import type { ChangeOf } from "../plans/dry-run.js";
import { environmentOf, type EnvironmentFlags } from "../targets.js";
import { parseHostPlace } from "../traffic-flags.js";
import { withRepoWord } from "./pause.js";

type HostPlace = ReturnType<typeof parseHostPlace>;
type Redirect = NonNullable<HostRoute["redirect"]>;

/** Where a name leads; `plan route add` has the same words. */
interface AddWords extends EnvironmentFlags {
  readonly service?: string;
  readonly rewrite?: string;
  readonly strip?: boolean;
  readonly redirect?: string;
  readonly status?: Redirect["status"];
  readonly rule?: readonly string[];
}

export function addHostCommand(): Command {
  const command = withAddWords(
    withRuleFlags(
      new Command("add")
        .summary("a host name that leads to a repository")
        .description(
          "Adds a host name, with or without a path, beside those of the manifest; one that is there already by hand is replaced.",
        ),
    ),
  );
  return examples(command, [
    "propagit route add www.example.com webapp",
    "propagit route add example.com/api webapp --service=api --strip",
    "propagit route add example.com/api webapp --service=api --rule rate=20/s",
    "propagit route add old.example.com webapp --redirect='https://www.example.com/*' --status=308",
  ]).action(async (host: HostPlace, repo: string, _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags & AddWords>();
    const change = addChange(host, repo, flags);
    const to = change.add?.redirect?.to ?? nameOf(placeOf(repo, flags));
    await changeSaid(change, flags, () => `${format(host)} leads to ${to}`);
  });
}

export function removeHostCommand(): Command {
  const command = withHostWords(
    withRuleFlags(
      new Command("rm")
        .summary("take away a host name that was added by hand")
        .description("Takes away a host name that was added by hand; the manifest's stay."),
    ),
    "the host name, with its path",
  );
  return examples(command, ["propagit route rm old.example.com webapp"]).action(
    async (host: HostPlace, repo: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<RuleFlags>();
      const name = nameOf(placeOf(repo, flags));
      const change = removeChange(host, repo, flags);
      await changeSaid(change, flags, () => `${format(host)} no longer leads to ${name} by hand`);
    },
  );
}

export function withAddWords(command: Command): Command {
  return withHostWords(command, "the host name, or *.DOMAIN, and a path")
    .option("--service <name>", "the service that answers", asFlag(parseServiceName))
    .option("--rewrite <path>", "what the app gets in place of the path")
    .option("--strip", "take the path off: the same as --rewrite=/")
    .option("--redirect <url>", "send visitors there; with /* at its end, the rest of the path too")
    .option("--status <number>", "of the redirect (default: 307)", asFlag(parseStatus))
    .option(
      "--rule <KEY=VALUE>",
      "a rule of this host name only, as rate=20/s; may be repeated",
      asRepeatedFlag((text: string) => text),
    );
}

/** Which name of which repository; `plan route rm` has the same words. */
export function withHostWords(command: Command, which: string): Command {
  return withRepoWord(command.argument("<host/path>", which, asFlag(parseHostPlace)));
}

export function addChange(host: HostPlace, repo: string, flags: AddWords): ChangeOf<"host"> {
  return { kind: "host", repo, add: hostRoute(host, flags), ...environmentOf(flags) };
}

export function removeChange(
  host: HostPlace,
  repo: string,
  flags: EnvironmentFlags,
): ChangeOf<"host"> {
  return { kind: "host", repo, remove: host, ...environmentOf(flags) };
}

function hostRoute(host: HostPlace, flags: AddWords): HostRoute {
  const { service, rewrite, strip, redirect, status, rule = [] } = flags;
  if (strip && rewrite !== undefined) throw wrong("--strip and --rewrite are one or the other");
  if (strip && host.path === undefined) throw wrong("--strip needs a path that can be taken off");
  if (status !== undefined && redirect === undefined) throw wrong("--status needs --redirect");
  const becomes = strip ? "/" : rewrite;
  return {
    ...host,
    ...(service !== undefined && { service }),
    ...(becomes !== undefined && { rewrite: becomes }),
    ...(redirect !== undefined && { redirect: { to: redirect, status: status ?? 307 } }),
    ...(rule.length > 0 && { rules: rulesOf(rule) }),
  };
}

/** Taking away what the manifest says is for the whole environment, which `route set` is about. */
function rulesOf(words: readonly string[]): Rules {
  const { set, off } = readRuleChanges(words);
  const [first] = off;
  if (first === undefined) return set;
  throw wrong("--rule says what holds for the host name; `off` is for `propagit route set`");
}

function parseStatus(text: string): Redirect["status"] {
  const known = ([301, 302, 307, 308] as const).find((status) => String(status) === text);
  if (known !== undefined) return known;
  throw wrong(`${text} is none of 301, 302, 307 and 308`);
}

function wrong(why: string): PropagitError {
  return new PropagitError("BAD_USAGE", why);
}

function format({ host, path = "" }: HostPlace): string {
  return `${host}${path}`;
}
