/**
 * Visitors come all the time, quickly and slowly, while versions are switched and daemons are killed: nobody gets
 * an error, and nobody an answer of a version that he was not to see. `bench/switch.ts` does the same with more.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  get,
  closeConnections,
  killings,
  SwitchDrill,
  switches,
  until,
  type Step,
} from "@propagit/test-support";

/** Of each story, beside whatever comes while it goes on. */
const requestsMin = 2_000;

describe("a switch", { timeout: 540_000 }, () => {
  let drill: SwitchDrill;

  before(async () => {
    drill = await SwitchDrill.start();
  });

  after(async () => {
    closeConnections();
    await drill.cluster.destroy();
  });

  const watch = async (steps: readonly Step[]) => {
    const visitors = drill.visit({ connections: 8, pauseMs: 10, slowMs: 1_000 });
    const { tally } = visitors;
    try {
      for (const [, step] of steps) await step(drill);
      await drill.until("enough requests", () =>
        Promise.resolve(tally.counts.request >= requestsMin),
      );
    } finally {
      await visitors.stop();
    }
    const seen = { failed: tally.failed, forbidden: tally.forbidden };
    const story = `${tally.told.join("\n")}\n${drill.cluster.output}`;
    assert.deepEqual(seen, { failed: 0, forbidden: 0 }, story);
    for (const [kind, count] of Object.entries(tally.counts)) {
      assert.ok(count > 0, `there was no ${kind}`);
    }
  };

  it("loses no visitor, and sends none where he is not to go", () => watch(switches));

  it("loses none while hub, registry and a drone are killed", () => watch(killings));

  it("goes on without a proxy that hangs, and says so; that one serves its last table", async () => {
    const [hanging] = drill.proxies;
    const [port = 0, other = 0] = drill.proxyPorts;
    const bodyAt = async (at: number) => (await get(at, { host: "webapp.localhost" })).body;
    const before = await bodyAt(port);
    hanging?.kill("SIGSTOP");
    try {
      await drill.deploy("I");
      assert.equal(await bodyAt(other), drill.commitOf("I"));
      const { stdout } = await drill.run("proxies", "--json");
      const states = (JSON.parse(stdout) as { name: string; state: string }[]).map(
        ({ name, state }) => `${name} ${state}`,
      );
      assert.deepEqual(states, ["p away", "q connected"]);
      const events = await drill.run("events", "--last=50");
      assert.match(events.stdout, /proxy p is cut off: it did not answer within 5 s/);
    } finally {
      hanging?.kill("SIGCONT");
    }
    assert.ok([before, drill.commitOf("I")].includes(await bodyAt(port)));
    await drill.untilApplied();
    await until("it to go by the routes again", async () => {
      return (await bodyAt(port)) === drill.commitOf("I");
    });
  });
});
