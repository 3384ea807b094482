/**
 * `npm run bench:proxy`: the proxy beside nginx, HAProxy and http-proxy, in one run.
 *
 * All are up at once and have core 1 for themselves; load and app have core 0. They take turns in short
 * slices, and what counts is the median of the ratios of each round: the machine may be busy with other things,
 * but it is so for everybody. CPU time is what the kernel says about the processes. Ours has routing, a split with a
 * sticky cookie, header rewriting and counters on; the peers only pass on and name the visitor.
 *
 *     npm run bench:proxy [ROW…]       BENCH_SECONDS=2 BENCH_ROUNDS=5
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  compile,
  isHere,
  startBackend,
  startHaproxy,
  startHttpProxy,
  startNginx,
  startOurs,
  startSplice,
  type Program,
} from "./proxy/programs.js";
import { idleMemory, latency, manyRoutes, websockets, workers } from "./proxy/more-rows.js";
import {
  browserHeads,
  largeAnswers,
  largeUploads,
  newConnections,
  platformFloor,
  smallAnswers,
  uploads,
  type Bench,
} from "./proxy/rows.js";

const rows: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  small: smallAnswers,
  browser: browserHeads,
  large: largeAnswers,
  uploads,
  connections: newConnections,
  websockets,
  "large-uploads": largeUploads,
  idle: idleMemory,
  latency,
  routes: manyRoutes,
  workers,
  floor: platformFloor,
};

const needed = ["nginx", "haproxy", "wrk", "h2load", "cc", "taskset"];
const missing = needed.filter((command) => !isHere(command));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(rows);
const unknown = wanted.filter((name) => !(name in rows));
if (missing.length > 0) {
  process.stderr.write(
    `bench:proxy needs ${missing.join(", ")}: not here, so nothing was measured\n`,
  );
} else if (unknown.length > 0) {
  process.stderr.write(
    `no such row: ${unknown.join(", ")}; there are ${Object.keys(rows).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-bench-"));
  const running: Program[] = [];
  const up = async (program: Promise<Program>): Promise<Program> => {
    const started = await program;
    running.push(started);
    return started;
  };
  try {
    const backend = (await up(startBackend(await compile("backend")))).port;
    const peers = {
      ours: await up(startOurs({ backend })),
      nginx: await up(startNginx(backend, folder, false)),
      tuned: await up(startNginx(backend, folder, true)),
      haproxy: await up(startHaproxy(backend, folder)),
      httpProxy: await up(startHttpProxy(backend)),
      splice: await up(startSplice(backend)),
    };
    const load = await compile("load");
    const seconds = Number(process.env["BENCH_SECONDS"] ?? 2);
    const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
    for (const name of wanted)
      await rows[name]?.({ peers, backend, folder, load, seconds, rounds });
  } finally {
    await Promise.all(running.map(async (program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}
