/** The rows of the comparison: each is a kind of load, whom it is held against, and what is good enough. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { report } from "../report.js";
import type { Program } from "./programs.js";
import { alternate, compare, wrkRun, type Run, type SliceOptions, type Slices } from "./slices.js";

export interface Peers {
  readonly ours: Program;
  readonly nginx: Program;
  readonly tuned: Program;
  readonly haproxy: Program;
  readonly httpProxy: Program;
  readonly splice: Program;
}

export interface Bench extends SliceOptions {
  readonly peers: Peers;
  readonly backend: number;
  /** For files that end with the benchmark. */
  readonly folder: string;
  /** The compiled `load.c`. */
  readonly load: string;
}

/** Somebody who has been here before. */
const visitor = [
  "-H",
  "Host: shop.localhost",
  "-H",
  `Cookie: propagit-visitor=${"0123456789abcdef".repeat(2)}`,
];

/** As a browser sends them, with the cookies of a shop. */
const browser = [
  ["Host", "shop.localhost"],
  [
    "User-Agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  ],
  [
    "Accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  ],
  ["Accept-Language", "en-GB,en;q=0.9,de;q=0.7"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
  [
    "Cookie",
    `session=9f86d081884c7d659a2feaa0c55ad015; theme=dark; propagit-visitor=${"0123456789abcdef".repeat(2)}; consent=1`,
  ],
  ["Referer", "https://shop.localhost/products?page=2"],
  ["Cache-Control", "max-age=0"],
  ["Sec-Fetch-Dest", "document"],
  ["Sec-Fetch-Mode", "navigate"],
  ["Sec-Fetch-Site", "same-origin"],
  ["Upgrade-Insecure-Requests", "1"],
].flatMap(([name, value]) => ["-H", `${name}: ${value}`]);

export async function smallAnswers(bench: Bench): Promise<void> {
  const { ours, nginx, haproxy, httpProxy } = bench.peers;
  for (const connections of [64, 256]) {
    const run = wrkRun({ wrk: [`-c${connections}`, ...visitor], path: "/64" });
    const slices = await alternate([ours, nginx, haproxy, httpProxy], run, bench);
    const name = `small answers, ${connections} connections`;
    for (const peer of [nginx, haproxy]) reportCpu(name, slices, ours, peer, 1);
    const { ours: own, theirs, ratio } = compare(slices, ours, httpProxy, "perSecond");
    const unit = "requests/s";
    report({
      bench: "proxy",
      metric: name,
      unit,
      ours: own,
      theirs,
      ratio,
      peer: httpProxy.name,
      goalMin: 4,
    });
  }
}

export async function browserHeads(bench: Bench): Promise<void> {
  const { ours, nginx, haproxy } = bench.peers;
  const run = wrkRun({ wrk: ["-c64", ...browser], path: "/1000" });
  const slices = await alternate([ours, nginx, haproxy], run, bench);
  reportBest("browser-like heads", slices, ours, [nginx, haproxy], 1.1);
}

/**
 * Where the platform's own limit lies: Node carrying bytes that nobody looks at, beside nginx, and ours beside it.
 */
export async function platformFloor(bench: Bench): Promise<void> {
  const { ours, nginx, splice } = bench.peers;
  for (const [name, wrk, path] of [
    ["small answers, 64 connections", ["-c64", ...visitor], "/64"],
    ["small answers, 256 connections", ["-c256", ...visitor], "/64"],
    ["browser-like heads", ["-c64", ...browser], "/1000"],
  ] as const) {
    const slices = await alternate([ours, nginx, splice], wrkRun({ wrk, path }), bench);
    reportCpu(`Node's floor: ${name}`, slices, splice, nginx);
    reportCpu(`above Node's floor: ${name}`, slices, ours, splice);
  }
}

export async function largeAnswers(bench: Bench): Promise<void> {
  for (const [bytes, connections] of [
    [100_000, 64],
    [1_000_000, 16],
  ] as const) {
    const run = wrkRun({ wrk: [`-c${connections}`, ...visitor], path: `/${bytes}` });
    await againstTuned(bench, `answers of ${bytes / 1000} KB`, run);
  }
}

export async function uploads(bench: Bench): Promise<void> {
  const run = await uploadRun(bench, 100_000, 64);
  await againstTuned(bench, "uploads of 100 KB", run);
}

export async function largeUploads(bench: Bench): Promise<void> {
  const { ours, haproxy } = bench.peers;
  const run = await uploadRun(bench, 10_000_000, 8);
  const slices = await alternate([ours, haproxy], run, bench);
  reportCpu("uploads of 10 MB", slices, ours, haproxy, 1.3);
}

export async function newConnections(bench: Bench): Promise<void> {
  const { ours, nginx, haproxy, httpProxy } = bench.peers;
  const run = wrkRun({ wrk: ["-c64", ...visitor, "-H", "Connection: close"], path: "/64" });
  const slices = await alternate([ours, nginx, haproxy, httpProxy], run, bench);
  const name = "a new connection for every request";
  reportCpu(name, slices, ours, nginx, 1.5);
  for (const peer of [haproxy, httpProxy]) reportCpu(name, slices, ours, peer);
}

export function reportCpu(
  metric: string,
  slices: Slices,
  ours: Program,
  peer: Program,
  goal?: number,
): void {
  const { ours: own, theirs, ratio } = compare(slices, ours, peer, "usPerRequest");
  const figure = {
    bench: "proxy",
    metric,
    unit: "us of CPU",
    ours: own,
    theirs,
    ratio,
    peer: peer.name,
  };
  report({ ...figure, ...(goal === undefined ? { goal: Infinity } : { goal }) });
}

/** The goal holds against whoever of them is better; the others are shown. */
function reportBest(
  metric: string,
  slices: Slices,
  ours: Program,
  peers: readonly Program[],
  goal: number,
): void {
  const best = [...peers].sort(
    (left, right) =>
      compare(slices, ours, right, "usPerRequest").ratio -
      compare(slices, ours, left, "usPerRequest").ratio,
  )[0];
  for (const peer of peers) reportCpu(metric, slices, ours, peer, peer === best ? goal : undefined);
}

async function againstTuned(bench: Bench, metric: string, run: Run): Promise<void> {
  const { ours, nginx, tuned, haproxy } = bench.peers;
  const slices = await alternate([ours, nginx, tuned, haproxy], run, bench);
  reportBest(metric, slices, ours, [tuned, haproxy], 1);
  reportCpu(metric, slices, ours, nginx);
}

async function uploadRun({ folder }: Bench, bytes: number, connections: number): Promise<Run> {
  const script = join(folder, `upload-${bytes}.lua`);
  await writeFile(script, `wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\n`);
  return wrkRun({ wrk: [`-c${connections}`, "-s", script, ...visitor], path: "/64" });
}
