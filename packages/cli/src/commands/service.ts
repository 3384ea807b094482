import { homedir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { nodeDisk } from "@propagit/runtime";
import { Command, Option } from "commander";
import { examples } from "../examples.js";
import { print, printJson } from "../output/print.js";
import { formatTable } from "../output/table.js";
import { propagitProgramFile, registryProgramFile } from "../program-files.js";
import { daemons, unitName, unitText, type Daemon, type UnitPlan } from "../service/unit.js";
import {
  installedUnits,
  removeUnit,
  runSystemctl,
  systemctl,
  unitsFolder,
  unitState,
  type Scope,
} from "../service/units-folder.js";

interface PlaceFlags {
  readonly user?: boolean;
  readonly root: string;
}

interface InstallFlags extends PlaceFlags {
  readonly secretFile?: string;
  readonly data?: string;
  readonly runAs?: string;
  readonly print?: boolean;
  readonly now?: boolean;
}

export function serviceCommand(): Command {
  return new Command("service")
    .summary("have systemd run the daemons")
    .description(
      "Writes systemd units for hub, drone, relay, proxy and registry, so that they come back with the machine.",
    )
    .addCommand(installCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function withPlace(command: Command): Command {
  return command
    .option("--user", "units of this user rather than of the machine")
    .addOption(new Option("--root <folder>", "write below this folder").default("/", "/"));
}

function installCommand(): Command {
  const command = withPlace(
    new Command("install")
      .summary("write the unit of a daemon")
      .description(
        "Writes the unit of a daemon, which is called with the flags behind `--`. The secret is handed over by systemd (LoadCredential) from --secret-file, never on the command line. Ending a drone leaves its instances running.",
      )
      .argument("<daemon>", daemons.join(", "))
      .argument("[flags...]", "the daemon's own flags, behind `--`")
      .usage("[options] <daemon> -- [flags...]"),
  )
    .option("--secret-file <path>", "file with the shared secret")
    .option(
      "--data <folder>",
      "data folder (default: /var/lib/propagit/DAEMON, or ~/.propagit/DAEMON)",
    )
    .option("--run-as <user>", "the user it runs as (default: root; with --user: this one)")
    .option("--print", "print the unit and write nothing")
    .option("--now", "have systemd start it, now and with the machine");
  return examples(command, [
    "propagit service install hub --secret-file=/etc/propagit/secret -- --port=6001",
    "propagit service install drone --user --secret-file=secret -- --hub=hub:6001",
  ]).action(install);
}

function listCommand(): Command {
  const command = withPlace(
    new Command("ls").summary("the units that are installed").description("Lists the units."),
  ).option("--json", "print them as JSON");
  return examples(command, ["propagit service ls --user"]).action(
    (flags: PlaceFlags & { readonly json?: boolean }) => {
      const scope = scopeOf(flags);
      const folder = unitsFolder(scope, resolve(flags.root));
      const units = installedUnits(folder).map((name) => ({
        name,
        path: join(folder, name),
        state: unitState(scope, name) ?? "unknown",
      }));
      if (flags.json) printJson(units);
      else if (units.length === 0) print(`no units of propagit in ${folder}\n`);
      else print(formatUnits(units));
    },
  );
}

function removeCommand(): Command {
  const command = withPlace(
    new Command("remove")
      .summary("remove the unit of a daemon")
      .description("Removes the unit of a daemon; its data and what runs are left alone.")
      .argument("<daemon>", daemons.join(", ")),
  ).option("--now", "have systemd stop it first");
  return examples(command, ["propagit service remove proxy --now"]).action(
    (word: string, flags: PlaceFlags & { readonly now?: boolean }) => {
      const name = unitName(parseDaemon(word));
      const scope = scopeOf(flags);
      if (flags.now) runSystemctl(scope, "disable", "--now", name);
      removeUnit(unitsFolder(scope, resolve(flags.root)), name);
      if (flags.now) runSystemctl(scope, "daemon-reload");
      const manager = systemctl(scope).join(" ");
      print(`removed ${name}\n`);
      if (!flags.now)
        print(`next:\n  ${manager} disable --now ${name}\n  ${manager} daemon-reload\n`);
    },
  );
}

async function install(word: string, words: readonly string[], flags: InstallFlags): Promise<void> {
  const daemon = parseDaemon(word);
  const scope = scopeOf(flags);
  const name = unitName(daemon);
  const text = unitText(planOf(daemon, words, flags));
  if (flags.print) {
    print(text);
    return;
  }
  const path = join(unitsFolder(scope, resolve(flags.root)), name);
  await nodeDisk.writeAtomic(path, text);
  print(`wrote ${path}\n`);
  if (flags.now) {
    runSystemctl(scope, "daemon-reload");
    runSystemctl(scope, "enable", "--now", name);
    print(`${name} runs\n`);
    return;
  }
  print(nextSteps(name, flags));
}

function planOf(daemon: Daemon, words: readonly string[], flags: InstallFlags): UnitPlan {
  const scope = scopeOf(flags);
  if (scope === "user" && flags.runAs !== undefined) {
    throw new PropagitError("BAD_USAGE", "--run-as is for units of the machine, not of a user", {
      hint: "leave out --user or --run-as",
    });
  }
  refuseSecret(words);
  const data = scope === "system" ? "/var/lib/propagit" : join(homedir(), ".propagit");
  const isRegistry = daemon === "registry";
  const program = isRegistry
    ? [process.execPath, registryProgramFile]
    : [process.execPath, propagitProgramFile, daemon];
  return {
    daemon,
    program,
    words: isRegistry && !words.some((one) => /^\d+$/.test(one)) ? ["6000", ...words] : words,
    scope,
    user: flags.runAs,
    dataFolder: flags.data === undefined ? join(data, daemon) : resolve(flags.data),
    secretFile: flags.secretFile === undefined ? undefined : resolve(flags.secretFile),
  };
}

/** Units are readable by everybody on the machine. */
function refuseSecret(words: readonly string[]): void {
  const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  const flag = own.find((one) => /^--(?:secret|data|secret-file)(?:=|$)/.test(one));
  if (flag === undefined) return;
  const name = flag.split("=")[0] ?? "";
  throw new PropagitError("BAD_USAGE", `${name} is not for the daemon's own flags`, {
    hint:
      name === "--secret"
        ? "a unit is readable by everybody; put the secret into a file and give it before `--` as --secret-file"
        : `give ${name} before \`--\``,
  });
}

function nextSteps(name: string, flags: InstallFlags): string {
  const manager = systemctl(scopeOf(flags)).join(" ");
  const linger = flags.user
    ? [`loginctl enable-linger ${userInfo().username}   # goes on when you log out`]
    : [];
  const steps = [`${manager} daemon-reload`, `${manager} enable --now ${name}`, ...linger];
  return `next:\n${steps.map((step) => `  ${step}\n`).join("")}`;
}

function scopeOf({ user }: PlaceFlags): Scope {
  return user ? "user" : "system";
}

function parseDaemon(word: string): Daemon {
  const daemon = daemons.find((one) => one === word);
  if (daemon) return daemon;
  throw new PropagitError("BAD_USAGE", `${JSON.stringify(word)} is no daemon of ours`, {
    hint: `it is one of ${daemons.join(", ")}`,
  });
}

function formatUnits(
  units: readonly { readonly name: string; readonly path: string; readonly state: string }[],
): string {
  return formatTable(
    [
      { head: "UNIT", cell: ({ name }) => name },
      { head: "STATE", cell: ({ state }) => state },
      { head: "FILE", cell: ({ path }) => path },
    ],
    units,
  );
}
