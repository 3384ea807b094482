/**
 * The step `setup-service`: the drone runs, kept by systemd or by a loop of our own, with the Node, the program, the
 * secret and the flags that it is to have. When it runs with just these already, nothing is touched.
 */
import { defineCommand, type CommandContext, type CommandEnd } from "@propagit/plan";
import { described, list, object, text } from "@propagit/shapes";
import { sha256 } from "./archives.js";
import {
  dataFolderOf,
  droneWords,
  mergedRecord,
  readRecord,
  recordText,
  type DroneRecord,
} from "./drone-record.js";
import { factsOf } from "./host-facts.js";
import { droneThere } from "./hub-there.js";
import { linger, managerArg, managerAt, managerOf, type Manager } from "./manager.js";
import { hubArg } from "./secret-step.js";
import { followNext, linksOf, noteSwitch, type Links } from "./switching.js";
import { askThere, failure, placeOf, readThere, writeThere, type Place } from "./there.js";

export const droneArgs = {
  hub: hubArg,
  manager: managerArg,
  name: described("Of the drone (as it was, else the host's own).", text({ max: 300 })),
  labels: described("Of the drone, each key=value (as they were).", list(text({ max: 300 }), 64)),
  data: described("Its data folder (as it was, else ~/.propagit/drone).", text({ max: 4_096 })),
};

const args = object(droneArgs, ["hub", "manager"]);

const timeoutMs = 10 * 60_000;

export function serviceStep() {
  return defineCommand({
    name: "setup-service",
    summary: "Has the drone run.",
    args,
    timeoutMs,
    describe: ({ manager }) =>
      manager === "none"
        ? "would keep the drone running by a loop of its own, and restart it when it is another"
        : "would have systemd run the drone, and restart it when it is another",
    async run(wish, context) {
      const place = await placeOf(context);
      const { base } = place;
      const former = readRecord(await readThere(context, `${base}/drone.json`));
      const manager = managerAt(managerOf(wish.manager, place), place);
      refuseOtherManager(context, former, manager);
      const made = mergedRecord(former, wish, manager.kind);
      const wanted = await wantedOf(context, place, { manager, made });
      if (await isSo(context, place, wanted)) {
        if (manager.kind === "user") await seeToLinger(context);
        return { outcome: "unchanged", note: manager.name };
      }
      return start(context, place, wanted);
    },
    example: { hub: "hub:6001", manager: "user" },
  });
}

interface Wanted {
  readonly manager: Manager;
  readonly record: DroneRecord;
  readonly recordText: string;
  /** Of the service's file, and what is there now. */
  readonly text: string;
  readonly former: string;
  readonly links: Links;
  /** Names all of it: what a drone is started with. */
  readonly stamp: string;
}

async function wantedOf(
  context: CommandContext,
  place: Place,
  { manager, made }: { readonly manager: Manager; readonly made: DroneRecord },
): Promise<Wanted> {
  const { base, home } = place;
  const { user } = await factsOf(context, place);
  const dataFolder = dataFolderOf(made, home);
  const text = manager.text({ words: droneWords(made, base), dataFolder, user });
  const former = await readThere(context, manager.file);
  if (former !== "" && !former.includes(`${base}/`)) {
    throw failure(
      context,
      `${manager.file} is there, and not of \`propagit setup\``,
      `end that drone first: ssh ${context.host.name} propagit service remove drone --now${manager.kind === "user" ? " --user" : ""}`,
    );
  }
  const links = await linksOf(context, place);
  // A file that was written anew is another one; nothing that follows from the secret is kept.
  const secret = await askThere(context, {
    text: 'stat -c %i-%Y -- "$1/secret"',
    args: [base],
  });
  const stamp = `${sha256([text, links.nextCurrent, links.nextNode, secret].join("\n"))}\n`;
  return { manager, record: made, recordText: recordText(made), text, former, links, stamp };
}

function refuseOtherManager(
  context: CommandContext,
  former: DroneRecord | undefined,
  { kind }: Manager,
): void {
  if (former === undefined || former.manager === kind) return;
  const [was, will] = [flagOf(former.manager), flagOf(kind)];
  const end =
    former.manager === "none"
      ? `kill $(cat ~/.local/share/propagit/keep.pid)`
      : `systemctl ${former.manager === "user" ? "--user " : ""}disable --now propagit-drone`;
  throw failure(
    context,
    `its drone was set up with ${was}, and this is ${will}`,
    `stay with that; or end it first: ssh ${context.host.name} '${end}; rm ~/.local/share/propagit/drone.json'`,
  );
}

function flagOf(kind: DroneRecord["manager"]): string {
  switch (kind) {
    case "none":
      return "--no-service";
    case "system":
      return "--sudo";
    case "user":
      return "a service of the user";
    default:
      return kind satisfies never;
  }
}

/** It runs with exactly that. */
async function isSo(context: CommandContext, { base }: Place, wanted: Wanted): Promise<boolean> {
  const { links, text, former, stamp, manager } = wanted;
  const isLed = links.current === links.nextCurrent && links.node === links.nextNode;
  if (!isLed || text !== former) return false;
  if ((await readThere(context, `${base}/started`)) !== stamp) return false;
  return manager.isActive(context);
}

async function start(
  context: CommandContext,
  place: Place,
  { manager, record: made, recordText: written, text, former, links, stamp }: Wanted,
): Promise<CommandEnd> {
  const { base, home } = place;
  const hub = { hub: made.hub, dataFolder: dataFolderOf(made, home) };
  const seen = await droneThere(context, place, hub);
  await noteSwitch(context, place, {
    current: links.current,
    node: links.node,
    service: former,
    record: await readThere(context, `${base}/drone.json`),
    started: await readThere(context, `${base}/started`),
    ...(seen && "since" in seen && { since: seen.since }),
  });
  const { file, mode, sudo } = manager;
  await askThere(context, { text: 'mkdir -p -- "$1"', args: [folderOf(file)], sudo });
  await writeThere(context, `${base}/drone.json`, written, { mode: 0o600 });
  await writeThere(context, file, text, { mode, sudo });
  await followNext(context, place, links);
  if (manager.kind === "user") await seeToLinger(context);
  await manager.restart(context);
  await writeThere(context, `${base}/started`, stamp);
  return {
    outcome: "done",
    note: `${manager.name} ${links.current === "" ? "started" : "restarted"}`,
  };
}

async function seeToLinger(context: CommandContext): Promise<void> {
  const command = await linger(context);
  if (command === undefined) return;
  context.say(
    `the drone ends when its user logs out, and does not begin with the machine: ${command}`,
  );
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
