/** Changing settings: what `env` and `secrets` share. */
import { parseRepoName, type Setting } from "@propagit/protocol";
import { nodeWorld, silentLog, type Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { author } from "./author.js";
import { examples } from "./examples.js";
import { asFlag } from "./flags.js";
import { withHub, withHubFlags, type HubFlags } from "./hub-call.js";
import { dimColour } from "./output/colour.js";
import { formatAge } from "./output/duration.js";
import { print, printJson } from "./output/print.js";
import { formatNames } from "./output/quantity.js";
import { inEnvironment } from "./output/route.js";
import { formatTable } from "./output/table.js";
import { plainText } from "./output/text-width.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "./plans/dry-run.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "./rollout.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "./targets.js";

export interface SettingsFlags extends RolloutFlags, EnvironmentFlags, DryRunFlags {
  /** False after `--no-deploy`. */
  readonly deploy?: boolean;
}

export interface SettingsChange {
  readonly repo: string;
  readonly set: readonly {
    readonly name: string;
    readonly value: string;
    readonly secret: boolean;
  }[];
  readonly unset: readonly string[];
}

/** Flags of commands that change settings. */
export function withSettingsFlags(command: Command): Command {
  const deploying = withEnvironmentFlag(withHubFlags(command)).option(
    "--no-deploy",
    "only keep it, for the next release",
  );
  return withDryRunFlag(withRolloutFlags(deploying));
}

/** Changes settings, and carries out the release that comes of it. */
export async function configure(change: SettingsChange, flags: SettingsFlags): Promise<void> {
  if (flags.dryRun) return showDryRun((hub) => plannedChange(hub, change, flags), flags);
  const { repo, set, unset } = change;
  let changed: readonly string[] = [];
  const result = await carryOut(flags, {
    ask: async (hub, options) => {
      const params = {
        repo,
        set: hidden(hub, set),
        unset: [...unset],
        deploy: flags.deploy ?? true,
        by: author(),
        ...environmentOf(flags),
      };
      const answer = await hub.call("hub.configure", params, options);
      ({ changed } = answer);
      return answer.rollout;
    },
    // Setting the same value again changes nothing, and so makes no second release.
    isRepeatable: true,
  });
  if (result || flags.json || flags.detach) return;
  const place = `${repo}${inEnvironment(flags.environment)}`;
  if (changed.length === 0) print(`nothing changed: ${place} has it like that already\n`);
  else print(`${formatNames(changed)} of ${place} is kept for its next release\n`);
}

/** `env list` and `secrets list`. */
export function listCommand(parent: "env" | "secrets"): Command {
  const isSecret = parent === "secrets";
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("list")
        .summary(isSecret ? "names of the secrets" : "settings, without the values of secrets")
        .description(
          isSecret
            ? "Lists the names of secrets; their values are told to nobody but the instances."
            : "Lists the settings. The values of secrets are not told.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName)),
    ),
  ).option("--json", "print it as JSON");
  return examples(command, [`propagit ${parent} list webapp`]).action(
    async (repo: string, _: unknown, command: Command) =>
      list(repo, isSecret, command.optsWithGlobals()),
  );
}

async function list(
  repo: string,
  isSecret: boolean,
  flags: HubFlags & EnvironmentFlags & { readonly json?: boolean },
): Promise<void> {
  const { settings, pending } = await withHub(flags, (hub) =>
    hub.call("hub.settings", { repo, ...environmentOf(flags) }),
  );
  const shown = isSecret ? settings.filter(({ secret }) => secret) : settings;
  if (flags.json) return printJson({ settings: shown, pending });
  print(formatSettings(shown, pending, Date.now()));
}

export function formatSettings(
  settings: readonly Setting[],
  pending: readonly string[],
  now: number,
): string {
  const hint =
    pending.length === 0
      ? ""
      : `changed since the newest release: ${formatNames(pending)}; deploy to give it to the instances\n`;
  if (settings.length === 0) return `nothing is set\n${hint}`;
  const rows = settings.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const table = formatTable<Setting>(
    [
      { head: "NAME", cell: ({ name }) => name },
      {
        head: "VALUE",
        cut: "early",
        cell: ({ secret, value }) => (secret ? "(secret)" : plainText(value ?? "")),
        colour: ({ secret }, text) => (secret ? dimColour(text) : text),
      },
      { head: "BY", leaveOut: 1, cell: ({ by }) => plainText(by) },
      { head: "SINCE", alignRight: true, cell: ({ at }) => formatAge(now - at) },
    ],
    rows,
  );
  return table + hint;
}

/** The plan that comes back has names only: it is shown, and cannot be kept for later. */
function plannedChange(
  hub: Conversation,
  { repo, set, unset }: SettingsChange,
  flags: SettingsFlags,
): ChangeOf<"configure"> {
  return {
    kind: "configure",
    repo,
    ...environmentOf(flags),
    set: hidden(hub, set),
    unset: [...unset],
    deploy: flags.deploy ?? true,
  };
}

/** Only this hub can read the values, and only in this session. */
function hidden(hub: Conversation, set: SettingsChange["set"]) {
  const { crypto } = nodeWorld(silentLog);
  const key = hub.peer?.sessionKey ?? "";
  return set.map((setting) => ({ ...setting, value: crypto.encrypt(key, setting.value) }));
}
