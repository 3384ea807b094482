import { formatAddress, parseAddress, PropagitError, type Address } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { remoteOfProject, withSecretFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatTable } from "../output/table.js";
import { placeOfUrl } from "../project/git-project.js";
import {
  parseRemoteName,
  readRemotes,
  removeRemote,
  saveRemote,
  type Remote,
} from "../project/remotes.js";
import { readSecretValue } from "../secret-value.js";
import { findSecret, type SecretFlags } from "../secret.js";

interface AddFlags extends SecretFlags {
  readonly force?: boolean;
}

export function remoteCommand(): Command {
  return new Command("remote")
    .summary("names for hubs")
    .description(
      "Names hubs, with their secrets, for this user: in ~/.propagit/remotes.json, which nobody else can read. `--hub=NAME` then takes the place of an address. Without --hub and PROPAGIT_HUB it is the hub that the project's git remotes lead to, or the one called `default`, or the only one there is.",
    )
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function addCommand(): Command {
  const command = withSecretFlags(
    new Command("add")
      .summary("name a hub")
      .description(
        "Names a hub. Its secret is --secret-file, PROPAGIT_SECRET, or asked for on a terminal; `--secret-file=-` reads it from standard input.",
      )
      .argument("<name>", "its name", asFlag(parseRemoteName))
      .argument("<address>", "host:port, or the URL it is at", asFlag(parsePlace)),
  ).option("--force", "replace a hub of the same name");
  return examples(command, [
    "propagit remote add default hub.example.com:6001 --secret-file=secret",
    "pass show hub | propagit remote add work http://hub:6001 --secret-file=-",
  ]).action(add);
}

function listCommand(): Command {
  const command = new Command("ls")
    .summary("the hubs that have a name")
    .description("Lists the hubs that have a name; `*` is the one that is taken here.")
    .option("--json", "print them as JSON");
  return examples(command, ["propagit remote ls"]).action((flags: { readonly json?: boolean }) => {
    const remotes = readRemotes();
    const current = remoteOfProject(remotes)?.name;
    if (flags.json) printJson(remotes.map((one) => shown(one, current)));
    else if (remotes.length === 0)
      print("no hub has a name yet; propagit remote add NAME host:port\n");
    else print(formatRemotes(remotes, current));
  });
}

function removeCommand(): Command {
  const command = new Command("rm")
    .summary("forget a hub's name and secret")
    .description("Forgets a hub's name and secret; the hub itself is left alone.")
    .argument("<name>", "its name", asFlag(parseRemoteName));
  return examples(command, ["propagit remote rm work"]).action((name: string) =>
    removeRemote(name),
  );
}

async function add(name: string, hub: Address, flags: AddFlags): Promise<void> {
  const before = readRemotes().find((one) => one.name === name);
  if (before && !flags.force) {
    throw new PropagitError("EXISTS", `${name} is ${formatAddress(before.hub)} already`, {
      hint: "give another name, or --force to replace it",
    });
  }
  await saveRemote({ name, hub, secret: await secretFor(name, flags) });
  print(`${name} is ${formatAddress(hub)}\n`);
}

async function secretFor(name: string, flags: AddFlags): Promise<string | undefined> {
  if (flags.secret === undefined && flags.secretFile === "-") {
    return readSecretValue(`the secret of ${name}`, "/dev/stdin");
  }
  const given = findSecret(flags);
  if (given !== undefined || !process.stdin.isTTY) return given;
  return readSecretValue(`secret of ${name}`, undefined);
}

function parsePlace(text: string): Address {
  const url = text.includes("://") && URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.username !== "" || url.password !== "")) {
    throw new PropagitError("BAD_USAGE", "the URL has a secret in it", {
      hint: "give it with --secret-file, where it is not kept in the shell's history",
    });
  }
  return (url && placeOfUrl(text)) ?? parseAddress(text);
}

/** Never the secret itself. */
function shown({ name, hub, secret }: Remote, current: string | undefined) {
  return { name, hub: formatAddress(hub), secret: secret !== undefined, current: name === current };
}

function formatRemotes(remotes: readonly Remote[], current: string | undefined): string {
  return formatTable(
    [
      { head: "", cell: ({ name }) => (name === current ? "*" : "") },
      { head: "NAME", cell: ({ name }) => name },
      { head: "HUB", cell: ({ hub }) => formatAddress(hub) },
      { head: "SECRET", cell: ({ secret }) => (secret === undefined ? "none" : "kept") },
    ],
    remotes,
  );
}
