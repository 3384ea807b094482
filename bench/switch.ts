/**
 * Visitors while versions are switched: 200,000 requests over kept connections through two proxies, with
 * downloads, uploads and websockets under way, while deploys, promotes, rollbacks, splits and stops go by; once
 * in peace, and once while hub, registry and a drone are killed with -9 and started again. Prints how many
 * requests failed, and how many were answered by a commit that the rule book did not allow at that moment; both
 * must be 0.
 *
 *     bench/switch.ts [REQUESTS]
 */
import { killings, SwitchDrill, switches, type Step, type Visitors } from "@propagit/test-support";

/** Of both rounds together. */
const requestsWanted = Number(process.argv[2] ?? 200_000);

const drill = await SwitchDrill.start();
try {
  await round("in peace", switches, requestsWanted / 2);
  await round("while daemons are killed", killings, requestsWanted / 2);
} finally {
  await drill.cluster.destroy();
}

async function round(name: string, steps: readonly Step[], requests: number): Promise<void> {
  const start = performance.now();
  const visitors = drill.visit({ connections: 32, pauseMs: 2, slowMs: 3_000 });
  const slowest = await carryOut(steps);
  await reach(visitors, requests);
  await visitors.stop();
  const { tally } = visitors;
  for (const line of tally.told) process.stderr.write(`${line}\n`);
  const more = { steps: steps.length, slowest, ...tally.counts };
  figure(name, "failed requests", tally.failed, {
    ...more,
    tookMs: Math.round(performance.now() - start),
  });
  figure(name, "answers by a commit that was not allowed", tally.forbidden, more);
}

/** @returns the step that took longest */
async function carryOut(steps: readonly Step[]): Promise<string> {
  let slowest = { what: "", tookMs: 0 };
  for (const [what, step] of steps) {
    const start = performance.now();
    await step(drill);
    const tookMs = Math.round(performance.now() - start);
    process.stderr.write(`${what}: ${tookMs} ms\n`);
    if (tookMs > slowest.tookMs) slowest = { what, tookMs };
  }
  return `${slowest.what} (${slowest.tookMs} ms)`;
}

async function reach({ tally }: Visitors, requests: number): Promise<void> {
  await drill.until(
    `${requests} requests`,
    () => Promise.resolve(tally.counts.request >= requests),
    600_000,
  );
}

function figure(round: string, metric: string, ours: number, more: object): void {
  const line = {
    bench: "switch",
    metric: `${metric}, ${round}`,
    unit: "requests",
    ours,
    goal: "0",
    meets: ours === 0,
  };
  process.stdout.write(`${JSON.stringify({ ...line, ...more })}\n`);
  if (ours !== 0) process.exitCode = 1;
}
