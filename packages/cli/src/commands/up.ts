import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { formatAddress, PropagitError } from "@propagit/protocol";
import { lockFolder, nodeDisk } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parsePort } from "../flags.js";
import { dataFolderOf } from "../folders.js";
import { interruptedExitCode } from "../interrupt.js";
import { dimColour, warningColour } from "../output/colour.js";
import { print } from "../output/print.js";
import { defaultRemote, readRemotes, saveRemote } from "../project/remotes.js";
import type { ChildWatch } from "../up/child.js";
import { Crew, planCrew } from "../up/crew.js";
import { Leftovers } from "../up/leftovers.js";

interface UpFlags {
  readonly port: number;
  readonly registryPort?: number;
  readonly proxyPort: number;
  readonly host?: string;
  readonly domain?: string;
  readonly data?: string;
}

export function upCommand(): Command {
  const command = new Command("up")
    .summary("run everything on this machine")
    .description(
      "Runs a registry, a hub, a drone and a proxy on this machine, each as a process that is started again when it ends, with a secret that is made at the first start. ^C ends all of it, instances included; SIGTERM leaves instances running, and the next `up` finds them again. The hub becomes the remote `default`.",
    )
    .option("--port <port>", "port of the hub; git is on the next one too", asFlag(parsePort), 6001)
    .option("--proxy-port <port>", "port for visitors", asFlag(parsePort), 8000)
    .option("--registry-port <port>", "port of the registry (default: port - 1)", asFlag(parsePort))
    .option("--host <address>", "address to listen on (default: all)")
    .option("--domain <domain>", "take host names below this domain only")
    .option("--data <folder>", "data folder (default: ~/.propagit/up)");
  return examples(command, ["propagit up", "propagit up --port=7001 --proxy-port=8080"]).action(up);
}

async function up(flags: UpFlags): Promise<void> {
  const dataFolder = resolve(flags.data ?? dataFolderOf("up"));
  const lock = await lockUp(dataFolder);
  const leftovers = new Leftovers(dataFolder);
  try {
    for (const name of await leftovers.clear()) print(`ended the ${name} of an earlier start\n`);
    const secretFile = join(dataFolder, "secret");
    const secret = await keepSecret(secretFile);
    const plans = planCrew({
      dataFolder,
      secretFile,
      hubPort: flags.port,
      registryPort: flags.registryPort ?? flags.port - 1,
      proxyPort: flags.proxyPort,
      host: flags.host,
      domain: flags.domain,
    });
    const crew = new Crew(plans, watchWith(leftovers));
    const signal = firstSignal();
    await runCrew(crew, signal, async () => print(await welcome(flags, secret)));
    await leftovers.forget();
    const { name } = await signal;
    process.exitCode = name === "SIGINT" ? interruptedExitCode : 0;
  } finally {
    await lock.release();
  }
}

/** Starts all, goes on until a signal, and ends all, also when one of them does not come up. */
async function runCrew(
  crew: Crew,
  signal: Promise<{ readonly name: NodeJS.Signals }>,
  ready: () => Promise<void>,
): Promise<void> {
  const started = crew.start();
  const first = await Promise.race([started.catch((thrown: unknown) => ({ thrown })), signal]);
  if (first && "thrown" in first) {
    await crew.stop("stay");
    throw first.thrown;
  }
  if (!first) await ready();
  const { name } = await signal;
  print(`\nending${name === "SIGINT" ? "" : "; instances stay"}\n`);
  await crew.stop(name === "SIGINT" ? "end" : "stay");
}

async function lockUp(dataFolder: string) {
  try {
    return await lockFolder(dataFolder);
  } catch (thrown) {
    if (!(thrown instanceof PropagitError) || thrown.code !== "DATA_IN_USE") throw thrown;
    throw new PropagitError("DATA_IN_USE", `it is up already: ${thrown.message}`, {
      hint: "use what runs (`propagit ps`), or give another --data, --port and --proxy-port",
      cause: thrown,
    });
  }
}

/** The secret of this machine's hub: made once, in a file that only its user reads. */
async function keepSecret(path: string): Promise<string> {
  const before = (await nodeDisk.read(path))?.trim();
  if (before) return before;
  const secret = randomBytes(24).toString("base64url");
  await nodeDisk.writeAtomic(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function watchWith(leftovers: Leftovers): ChildWatch {
  const width = "registry".length;
  return {
    line: (name, text) => print(`${dimColour(name.padEnd(width))} | ${text}\n`),
    started: (name, pid) => void leftovers.remember(name, pid).catch(() => undefined),
    ended: (name, reason, pauseMs) => {
      const pause = Math.round(pauseMs / 100) / 10;
      print(warningColour(`${name} ended (${reason}) and starts again in ${pause} s\n`));
    },
  };
}

/** The signal is kept, so that it can be asked for twice; a second one ends at once. */
function firstSignal(): Promise<{ readonly name: NodeJS.Signals }> {
  return new Promise((resolve) => {
    let isFirst = true;
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => {
        if (!isFirst) process.exit(interruptedExitCode);
        isFirst = false;
        // A closed terminal is no wish to end what runs.
        resolve({ name });
      });
    }
  });
}

async function welcome(flags: UpFlags, secret: string): Promise<string> {
  const hub = { host: "localhost", port: flags.port };
  const before = readRemotes().find(({ name }) => name === defaultRemote);
  const isFree = !before || formatAddress(before.hub) === formatAddress(hub);
  const name = isFree ? defaultRemote : "local";
  await saveRemote({ name, hub, secret });
  const choice = isFree ? "" : ` --hub=${name}`;
  const kept = isFree
    ? []
    : [`the remote \`default\` stays ${formatAddress(before.hub)}; this one is \`local\``];
  const lines = [
    "everything runs. In a project of yours:",
    "",
    `  propagit init${choice}`,
    "  git push hub main",
    `  curl http://NAME.localhost:${flags.proxyPort}`,
    "",
    ...kept,
  ];
  return `\n${lines.join("\n")}\n`;
}
