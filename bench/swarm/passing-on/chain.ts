/** Hub, drone, drone in a row, each a process: the one in the middle gets all from one and gives all to the other. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SwarmPeer } from "@propagit/protocol";
import type { Admission, Offer } from "@propagit/swarm";
import { cpuUs, rssKb } from "../../proxy/cpu.js";
import type { Told } from "./participant.js";

export interface ChainResult {
  /** Of the one in the middle, from before it took part until all of it was passed on. */
  readonly middleCpuSeconds: number;
  /** Largest resident memory on the way, above what it had before. */
  readonly middleGrowthMb: number;
}

/** Both take at the same time. */
export function runChain(folder: string, offer: Offer, bytes: number): Promise<ChainResult> {
  return withRow(folder, offer, async ({ hub, middle, last }) => {
    const idleKb = await rssKb([middle.pid]);
    await writeFile(`/proc/${middle.pid}/clear_refs`, "5");
    const middleCpuSeconds = await cpuSecondsOf(middle, () =>
      Promise.all([take(middle, hub, offer, bytes), take(last, middle, offer, bytes)]),
    );
    return { middleCpuSeconds, middleGrowthMb: ((await peakKb(middle.pid)) - idleKb) / 1024 };
  });
}

export interface ServingResult {
  readonly hubCpuSeconds: number;
  /** Of a drone that has had everything since before. */
  readonly graceCpuSeconds: number;
}

/** One after the other, so that whoever gives does nothing else. */
export function runServing(folder: string, offer: Offer, bytes: number): Promise<ServingResult> {
  return withRow(folder, offer, async ({ hub, middle, last }) => ({
    hubCpuSeconds: await cpuSecondsOf(hub, () => take(middle, hub, offer, bytes)),
    graceCpuSeconds: await cpuSecondsOf(middle, () => take(last, middle, offer, bytes)),
  }));
}

interface Row {
  readonly hub: Node;
  readonly middle: Node;
  readonly last: Node;
}

async function withRow<T>(
  folder: string,
  offer: Offer,
  work: (row: Row) => Promise<T>,
): Promise<T> {
  const nodes: Node[] = [];
  const start = async (name: string) => {
    const node = await startNode(name, join(folder, name));
    nodes.push(node);
    return node;
  };
  try {
    const row = {
      hub: await start("hub"),
      middle: await start("middle"),
      last: await start("last"),
    };
    await row.hub.tell({ kind: "offer", offer });
    return await work(row);
  } finally {
    for (const node of nodes) await node.end();
    for (const { folder: used } of nodes) await rm(used, { recursive: true, force: true });
  }
}

async function cpuSecondsOf({ pid }: Node, work: () => Promise<unknown>): Promise<number> {
  const before = await cpuUs([pid]);
  await work();
  return ((await cpuUs([pid])) - before) / 1e6;
}

function take(taker: Node, { name, port }: Node, offer: Offer, bytes: number): Promise<void> {
  const { artifact, secret, expiresAt, hubNow, hubKey } = offer;
  const peers: SwarmPeer[] = [
    { name, role: name === "hub" ? "hub" : "drone", host: "127.0.0.1", port },
  ];
  const holder = taker.name;
  const admission: Admission = {
    artifact,
    secret,
    expiresAt,
    hubNow,
    hubKey,
    bytes,
    holder,
    peers,
  };
  return taker.tell({ kind: "take", admission });
}

interface Node {
  readonly name: string;
  readonly folder: string;
  readonly pid: number;
  readonly port: number;
  tell(told: Told): Promise<void>;
  end(): Promise<void>;
}

async function startNode(name: string, folder: string): Promise<Node> {
  const program = fileURLToPath(new URL("./participant.js", import.meta.url));
  const child = fork(program, [name, folder]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    name,
    folder,
    pid: child.pid ?? 0,
    port,
    async tell(told) {
      const done = answerOf(child, name);
      child.send(told);
      await done;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}

function answerOf(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", () => reject(new Error(`${name} ended`)));
  });
}

/** Since `clear_refs` was written to, see proc(5). */
async function peakKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
}
