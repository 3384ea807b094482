/** Rows with a load, or a question, of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { median, report } from "../report.js";
import { rssKb } from "./cpu.js";
import { startOurs, type Program } from "./programs.js";
import { reportCpu, type Bench } from "./rows.js";
import { alternate, compare, h2loadRun, runLoad, wrkRun, type Run } from "./slices.js";

const idleConnections = 9_000;

export async function websockets(bench: Bench): Promise<void> {
  const { ours, nginx, haproxy, httpProxy } = bench.peers;
  for (const connections of [50, 500]) {
    const run: Run = async ({ port }, seconds) =>
      runLoad(bench.load, "echo", port, connections, seconds);
    const slices = await alternate([ours, nginx, haproxy, httpProxy], run, bench);
    const name = `websocket round trips, ${connections} connections`;
    reportCpu(name, slices, ours, nginx, 1.3);
    for (const peer of [haproxy, httpProxy]) reportCpu(name, slices, ours, peer);
  }
}

export async function idleMemory(bench: Bench): Promise<void> {
  const fresh = await startOurs({ backend: bench.backend });
  try {
    const ours = await idleKb(bench, fresh);
    const theirs = await idleKb(bench, bench.peers.nginx);
    const metric = `memory of an idle connection (${idleConnections} of them, after a request each)`;
    report({ bench: "proxy", metric, unit: "KB", ours, theirs, peer: "nginx", goalAbsolute: 8 });
  } finally {
    await fresh.stop();
  }
}

async function idleKb({ load }: Bench, { port, pids }: Program): Promise<number> {
  // What the first requests make has nothing to do with how many connections there are.
  await runLoad(load, "rate", port, 64, 3, 5_000);
  const before = await rssKb(pids);
  const child = spawn(load, ["idle", String(port), String(idleConnections)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exited]);
  const after = await rssKb(pids);
  child.stdin.end();
  await exited;
  return (after - before) / idleConnections;
}

/** Both at the same rate: half of what the slower one can do. */
export async function latency(bench: Bench): Promise<void> {
  const { ours, nginx } = bench.peers;
  const saturated = await alternate(
    [ours, nginx],
    wrkRun({ wrk: ["-c64", "-H", "Host: shop.localhost"], path: "/64" }),
    {
      seconds: bench.seconds,
      rounds: 1,
    },
  );
  const { ours: own, theirs } = compare(saturated, ours, nginx, "perSecond");
  const rate = Math.floor(Math.min(own, theirs) / 2);
  const p99s = new Map<Program, number[]>([
    [ours, []],
    [nginx, []],
  ]);
  for (let round = 0; round < bench.rounds; round++) {
    for (const [{ port }, list] of p99s) {
      list.push((await runLoad(bench.load, "rate", port, 64, bench.seconds, rate)).p99Ms);
    }
  }
  const [ourP99s = [], theirP99s = []] = [...p99s.values()];
  const ratio = median(ourP99s.map((value, round) => value / (theirP99s[round] ?? NaN)));
  const metric = `p99 at half of saturation (${rate} requests/s)`;
  const values = { ours: median(ourP99s), theirs: median(theirP99s), ratio };
  report({ bench: "proxy", metric, unit: "ms", ...values, peer: "nginx", goal: 1.5 });
}

export async function manyRoutes(bench: Bench): Promise<void> {
  const { ours } = bench.peers;
  const many = await startOurs({
    name: "10,000 routes",
    backend: bench.backend,
    routes: 10_000,
    changeMs: 100,
  });
  try {
    const run = wrkRun({ wrk: ["-c64", "-H", "Host: shop.localhost"], path: "/64" });
    const slices = await alternate([many, ours], run, bench);
    const { ours: own, theirs, ratio } = compare(slices, many, ours, "perSecond");
    const metric = "10,000 routes, one changed every 100 ms";
    const peer = "1 route, none changed";
    report({
      bench: "proxy",
      metric,
      unit: "requests/s",
      ours: own,
      theirs,
      ratio,
      peer,
      goalMin: 0.95,
    });
    const [live] = await Promise.all([changeMs(many), run(many, 2 * bench.seconds)]);
    const change = "a change is live after (p99, among 10,000 routes, under load)";
    report({
      bench: "proxy",
      metric: change,
      unit: "ms",
      ours: live,
      theirs: live,
      peer: "none",
      goalAbsolute: 50,
    });
  } finally {
    await many.stop();
  }
}

/** From telling the proxy to the first visitor who sees it. */
async function changeMs(program: Program): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const waits: number[] = [];
  let commit = await commitOf(program, agent);
  for (let count = 0; count < 100; count++) {
    const told = performance.now();
    program.child.send?.({ change: true });
    let seen = commit;
    while (seen === commit) seen = await commitOf(program, agent);
    commit = seen;
    waits.push(performance.now() - told);
  }
  agent.destroy();
  waits.sort((left, right) => left - right);
  return waits[98] ?? NaN;
}

async function commitOf({ port }: Program, agent: Agent): Promise<string> {
  const asked = request({
    agent,
    port,
    path: "/1",
    host: "127.0.0.1",
    headers: { Host: "change.localhost" },
  }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return String(answer.headers["x-propagit-commit"]);
}

/**
 * Load, app and workers share two cores. Small answers over HTTP/1.1 cost the load as much as the proxy, so that
 * there is nothing left for a second worker; HTTP/2 costs the proxy many times what it costs the load.
 */
export async function workers(bench: Bench): Promise<void> {
  const { backend } = bench;
  const kinds = [
    {
      what: "HTTP/1.1",
      h2c: false,
      run: wrkRun({ wrk: ["-c64", "-H", "Host: shop.localhost"], path: "/64" }),
    },
    { what: "HTTP/2", h2c: true, run: h2loadRun({ clients: 16, streams: 8, path: "/64" }) },
  ];
  for (const { what, h2c, run } of kinds) {
    const one = await startOurs({ name: "1 worker", backend, h2c }, undefined);
    const two = await startOurs({ name: "2 workers", backend, h2c, workers: 2 }, undefined);
    try {
      // Node's HTTP/2 is compiled late: seconds of load go by until it is fast, in each thread.
      for (const program of [one, two]) await run(program, 4 * bench.seconds);
      const slices = await alternate([two, one], run, bench);
      const { ours, theirs, ratio } = compare(slices, two, one, "perSecond");
      const metric = `2 workers on 2 cores that load and app use as well, ${what}`;
      const values = { ours, theirs, ratio, peer: "1 worker", goalMin: 1.2 };
      report({ bench: "proxy", metric, unit: "requests/s", ...values });
      reportCpu(metric, slices, two, one);
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  }
}
