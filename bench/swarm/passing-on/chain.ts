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
  readonly hubCpuSeconds: number;
  /** Largest resident memory on the way, above what it had before. */
  readonly middleGrowthMb: number;
}

export async function runChain(folder: string, offer: Offer, bytes: number): Promise<ChainResult> {
  const nodes: Node[] = [];
  const start = async (name: string) => {
    const node = await startNode(name, join(folder, name));
    nodes.push(node);
    return node;
  };
  try {
    const [hub, middle, last] = [await start("hub"), await start("middle"), await start("last")];
    await hub.tell({ kind: "offer", offer });
    const from = ({ name, port }: Node): SwarmPeer[] => [
      { name, role: name === "hub" ? "hub" : "drone", host: "127.0.0.1", port },
    ];
    const admission = (holder: string, peers: SwarmPeer[]): Admission => {
      const { artifact, secret, expiresAt, hubNow, hubKey } = offer;
      return { artifact, secret, expiresAt, hubNow, hubKey, bytes, holder, peers };
    };
    const idleKb = await rssKb([middle.pid]);
    await writeFile(`/proc/${middle.pid}/clear_refs`, "5");
    const before = [await cpuUs([hub.pid]), await cpuUs([middle.pid])] as const;
    await Promise.all([
      middle.tell({ kind: "take", admission: admission("middle", from(hub)) }),
      last.tell({ kind: "take", admission: admission("last", from(middle)) }),
    ]);
    const after = [await cpuUs([hub.pid]), await cpuUs([middle.pid])] as const;
    return {
      hubCpuSeconds: (after[0] - before[0]) / 1e6,
      middleCpuSeconds: (after[1] - before[1]) / 1e6,
      middleGrowthMb: ((await peakKb(middle.pid)) - idleKb) / 1024,
    };
  } finally {
    for (const node of nodes) await node.end();
    for (const { folder: used } of nodes) await rm(used, { recursive: true, force: true });
  }
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
