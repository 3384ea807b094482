/**
 * Row of what it costs to pass bytes on: processor time of a process that gives an artifact to another one,
 * beside nginx with one worker that serves a file of the same size, encrypted by the same cipher and in plain.
 */
import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fleet } from "@propagit/test-support";
import { median, report, rounded } from "../report.js";
import { forgetPeak, memoryOf, workOf } from "./cores.js";
import type { Task, Told } from "./exchange-process.js";
import { httpByAll, startFileServer } from "./peers.js";
import { folderParent, type Setting } from "./setting.js";

const bench = "swarm";
const fileBytes = 256 * 1024 * 1024;
/** Times that all of it is passed on for one value. */
const times = 2;
const costGoal = 1.5;
const memoryGoalMb = 40;
const program = fileURLToPath(new URL("./exchange-process.js", import.meta.url));

export async function passingOn({ rounds }: Setting): Promise<void> {
  const fleet = await Fleet.create({ parent: folderParent });
  const folder = join(fleet.folder, "passed-on");
  try {
    await mkdir(folder);
    const file = join(folder, "artifact");
    await writeFile(file, randomBytes(fileBytes));
    fleet.machines.add("visitor");
    const server = await startFileServer(fleet, folder);
    const giver = await startGiver(folder, file);
    const costs = {
      ours: [] as number[],
      taking: [] as number[],
      tls: [] as number[],
      plain: [] as number[],
    };
    const memory = { giver: [] as number[], taker: [] as number[] };
    const download = async (url: string) => {
      const before = await server.workUs();
      for (let time = 0; time < times; time++)
        await httpByAll(fleet, ["visitor"], `${url}/artifact`);
      return perGigabyte((await server.workUs()) - before);
    };
    for (let round = 0; round < rounds; round++) {
      const passed = await pass(folder, giver);
      costs.ours.push(passed.givingS);
      costs.taking.push(passed.takingS);
      memory.giver.push(passed.giverGrowthMb);
      memory.taker.push(passed.takerGrowthMb);
      costs.tls.push(await download(server.tlsUrl));
      costs.plain.push(await download(server.plainUrl));
    }
    await server.stop();
    giver.child.kill();
    tell(costs, memory);
  } finally {
    await fleet.destroy();
  }
}

type Lists<Name extends string> = Readonly<Record<Name, readonly number[]>>;

function tell(
  costs: Lists<"ours" | "taking" | "tls" | "plain">,
  memory: Lists<"giver" | "taker">,
): void {
  const figure = { bench, unit: "s", goal: costGoal, ours: median(costs.ours) };
  for (const [theirs, peer] of [
    [costs.tls, "nginx, one worker, TLS 1.3 with the same cipher"],
    [costs.plain, "nginx, one worker, sendfile, nothing encrypted"],
  ] as const) {
    report({
      ...figure,
      metric: "processor time for each GB passed on",
      theirs: median(theirs),
      peer,
      more: { takingAndChecking: rounded(median(costs.taking)) },
    });
  }
  for (const [who, values] of Object.entries(memory)) {
    const ours = Math.max(...values);
    const metric = `memory of a ${who} of ${fileBytes / 2 ** 20} MiB above what it had before`;
    report({
      bench,
      metric,
      unit: "MB",
      ours,
      theirs: ours,
      peer: "none",
      goalAbsolute: memoryGoalMb,
    });
  }
}

interface Giver {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly admission: Extract<Told, { kind: "gives" }>["admission"];
}

async function startGiver(folder: string, file: string): Promise<Giver> {
  const place = join(folder, "giver");
  await mkdir(place);
  const child = start({ kind: "give", folder: place, file });
  const told = await toldBy(child);
  if (told.kind !== "gives") throw new Error("the giver has nothing");
  return { child, pid: child.pid ?? 0, admission: told.admission };
}

/** Somebody new each time, who takes all of it. */
async function pass(folder: string, { pid, admission }: Giver) {
  await forgetPeak(pid);
  const [before, idle] = [(await workOf(pid)).ownUs, await memoryOf(pid)];
  let [takingUs, takerGrowthMb] = [0, 0];
  for (let time = 0; time < times; time++) {
    const place = join(folder, `taker-${time}`);
    await mkdir(place, { recursive: true });
    const child = start({ kind: "take", folder: place, admission });
    const taker = child.pid ?? 0;
    const begun = await toldBy(child);
    const startUs = (await workOf(taker)).ownUs;
    await toldBy(child);
    const bareMb = begun.kind === "begins" ? begun.residentMb : NaN;
    takingUs += (await workOf(taker)).ownUs - startUs;
    takerGrowthMb = Math.max(takerGrowthMb, (await memoryOf(taker)).peakMb - bareMb);
    child.kill();
    await once(child, "exit");
    await rm(place, { recursive: true });
  }
  return {
    givingS: perGigabyte((await workOf(pid)).ownUs - before),
    takingS: perGigabyte(takingUs),
    giverGrowthMb: (await memoryOf(pid)).peakMb - idle.residentMb,
    takerGrowthMb,
  };
}

function start(task: Task): ChildProcess {
  return fork(program, [JSON.stringify(task)], { execArgv: ["--semi-space-growth-factor=1"] });
}

async function toldBy(child: ChildProcess): Promise<Told> {
  const [told] = (await once(child, "message")) as [Told];
  return told;
}

function perGigabyte(us: number): number {
  return us / 1e6 / ((times * fileBytes) / 1e9);
}
