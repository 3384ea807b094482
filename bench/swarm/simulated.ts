/**
 * Row of thousands: five thousand drones in virtual time, with the real piece picking, exchange and tracker; see
 * `virtual-swarm.ts` in test/support for what of it is real. Each swarm has a process of its own, with room for
 * many objects that do not live long.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { report } from "../report.js";
import type { Measured, Wanted } from "./simulated-process.js";

const bench = "swarm";
const few = 64;
const some = 512;
const many = Number(process.env["BENCH_SIMULATED"] ?? 5_000);
const timeGoal = 2;
/** 4 MB, as real pieces are; with fewer pieces more of the time is the way to the last one. */
const pieces = 128;
const pieceBytes = 32 * 1024;
const bytesPerSecond = 2_000_000;
const zones = 8;
/** Drones tell of themselves once a second, and somebody is told of others a few times. */
const messagesPerDroneMax = 30;
const heapMbMax = 4_096;

export async function thousands(): Promise<void> {
  const small = await measure(few);
  const middle = await measure(some);
  const large = await measure(many);
  const what = `simulated, ${many} drones, ${pieces} pieces`;
  const shared = { bench, peer: `${few} drones, simulated` };
  const idealMs = Math.round((pieces * pieceBytes * 1_000) / bytesPerSecond);
  report({
    ...shared,
    metric: `${what}: until the last one has every piece`,
    unit: "ms",
    ours: large.ms,
    theirs: small.ms,
    goal: timeGoal,
    more: {
      idealMs,
      [`ms of ${some}`]: Math.round(middle.ms),
      processorSecondsOfAll: Math.round(large.processorSeconds),
      memoryMbOfAll: Math.round(large.memoryMb),
    },
  });
  const messagesOf = ({ drones, messagesIn, messagesOut }: Measured) =>
    (messagesIn + messagesOut) / drones;
  report({
    ...shared,
    metric: `${what}: messages between a drone and the hub about it`,
    unit: "messages",
    ours: messagesOf(large),
    theirs: messagesOf(small),
    goalAbsolute: messagesPerDroneMax,
    more: {
      [`of ${some}`]: hundredths(messagesOf(middle)),
      toHub: hundredths(large.messagesIn / many),
      fromHub: hundredths(large.messagesOut / many),
      aSecond: hundredths((messagesOf(large) * 1_000) / large.ms),
    },
  });
  report({
    ...shared,
    metric: `${what}: processor time of the hub besides sending pieces, for each drone`,
    unit: "µs",
    ours: (large.hub.processorMs * 1_000) / many,
    theirs: (small.hub.processorMs * 1_000) / few,
    goal: Infinity,
    more: { allMs: Math.round(large.hub.processorMs) },
  });
  report({
    ...shared,
    metric: `${what}: memory of the hub's tracker, for each drone`,
    unit: "bytes",
    ours: large.hub.heapBytes / many,
    theirs: small.hub.heapBytes / few,
    goal: Infinity,
    more: { allMb: hundredths(large.hub.heapBytes / 1e6) },
  });
  report({
    ...shared,
    metric: `${what}: sent by the hub`,
    unit: "artifacts",
    ours: large.hubCopies,
    theirs: small.hubCopies,
    goal: Infinity,
  });
}

async function measure(drones: number): Promise<Measured> {
  const path = fileURLToPath(new URL("simulated-process.js", import.meta.url));
  const execArgv = ["--max-semi-space-size=128", `--max-old-space-size=${heapMbMax}`];
  const child = fork(path, { execArgv });
  try {
    const wanted: Wanted = { drones, pieces, pieceBytes, bytesPerSecond, zones };
    child.send(wanted);
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the swarm of ${drones} ended with ${code}`);
    });
    const [measured] = (await Promise.race([once(child, "message"), ended])) as [Measured];
    return measured;
  } finally {
    child.kill();
  }
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
