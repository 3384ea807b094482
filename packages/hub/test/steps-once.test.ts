/**
 * Two people change the same thing, and the hub dies or ends at any write after the first of them: what was written last
 * counts in its next life too, nobody's change is written twice, and whatever was begun is done in the end.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClusterEvent, InstanceTarget } from "@propagit/protocol";
import { markStep, stepsMax } from "../src/core/step-edits.js";
import { Draft } from "../src/core/draft.js";
import type { Row, TableName } from "../src/core/rows.js";
import { commits, credential, hubAddress, SimHub } from "./support/sim-hub.js";
import { SimProxy } from "./support/sim-proxy.js";

const repo = "webapp";

interface Change {
  readonly begin: (hub: SimHub, by: string) => Promise<unknown>;
  /** Of the event of its write. */
  readonly kind: ClusterEvent["kind"];
  /** When it was the last to be written. */
  readonly isSo: (hub: SimHub) => Promise<boolean>;
}

interface Story {
  readonly name: string;
  readonly before?: (hub: SimHub, by: string) => Promise<unknown>;
  readonly ann: Change;
  /** Once hers is written, and waits for a drone. Default: at the same time as hers, and both wait for a proxy. */
  readonly isLater?: boolean;
  readonly ben: Change;
}

const everywhere: InstanceTarget = { repo, release: "2" };
const onWeb2: InstanceTarget = { ...everywhere, drones: { names: ["web-2"] } };

const instancesOf = async (hub: SimHub) => (await hub.call("hub.ps", {})).instances;
const runsOnWeb2 = async (hub: SimHub, commit: string) =>
  (await instancesOf(hub)).some(
    ({ drone, report }) =>
      drone === "web-2" && report.commit === commit && report.phase === "ready",
  );

function drain(isDrain: boolean): Change {
  return {
    begin: (hub, by) => hub.begin("hub.drain", { drone: "web-2", drain: isDrain, by }),
    kind: isDrain ? "drained" : "undrained",
    isSo: async (hub) => {
      const { drones } = await hub.call("hub.drones", {});
      const isDrained = drones.find(({ name }) => name === "web-2")?.draining ?? false;
      return isDrained === isDrain && (await runsOnWeb2(hub, commits.three)) !== isDrain;
    },
  };
}

function hold(target: InstanceTarget): Change {
  return {
    begin: (hub, by) => hub.begin("hub.hold", { target, start: false, force: true, by }),
    kind: "stopped",
    isSo: async (hub) => !(await runsOnWeb2(hub, commits.three)),
  };
}

function start(target: InstanceTarget): Change {
  return {
    begin: (hub, by) => hub.begin("hub.hold", { target, start: true, force: false, by }),
    kind: "restarted",
    isSo: (hub) => runsOnWeb2(hub, commits.three),
  };
}

function send(refs: readonly string[]): Change {
  const [ref = ""] = refs;
  const shares = refs.map((each) => ({ ref: each, weight: 1 }));
  return {
    begin: (hub, by) =>
      refs.length === 1
        ? hub.begin("hub.promote", { repo, ref, by })
        : hub.begin("hub.split", { repo, shares, by }),
    kind: refs.length === 1 ? "promoted" : "split",
    isSo: async (hub) => {
      const { routes } = await hub.call("hub.route", { repo });
      const sent = routes.flatMap((route) => route.shares.map(({ commit }) => commit));
      return sent.join() === refs.join();
    },
  };
}

const stop: Change = {
  begin: (hub, by) => hub.begin("hub.stop", { repo, ref: commits.three, force: true, by }),
  kind: "stopped",
  isSo: async (hub) => !(await runsOnWeb2(hub, commits.three)),
};

const deploy: Change = {
  begin: (hub, by) => hub.begin("hub.deploy", { repo, ref: commits.three, promote: true, by }),
  kind: "deploy-started",
  isSo: (hub) => runsOnWeb2(hub, commits.three),
};

const begun = (change: Change) => async (hub: SimHub, by: string) =>
  hub.settle(change.begin(hub, by));

const stories: readonly Story[] = [
  { name: "stop", ann: stop, isLater: true, ben: deploy },
  { name: "drain", ann: drain(true), isLater: true, ben: drain(false) },
  { name: "stop of instances", ann: hold(everywhere), isLater: true, ben: start(onWeb2) },
  {
    name: "start of instances",
    before: begun(hold(onWeb2)),
    ann: start(everywhere),
    isLater: true,
    ben: hold(onWeb2),
  },
  { name: "promote", ann: send([commits.one]), ben: send([commits.one, commits.three]) },
  { name: "split", ann: send([commits.one, commits.three]), ben: send([commits.one]) },
];

/** Of both, in the order in which they were written. */
async function writtenOf(hub: SimHub, { ann, ben }: Pick<Story, "ann" | "ben">) {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events.filter(
    ({ by, kind }) => (by === "ann" && kind === ann.kind) || (by === "ben" && kind === ben.kind),
  );
}

async function plansOf(hub: SimHub) {
  const { plans } = await hub.call("hub.plans", {});
  return plans.map(({ by, outcome, state, reason = "" }) => ({
    by,
    end: outcome ?? state,
    reason,
  }));
}

/** One that a switch waits for, after its write too. */
function slowProxy(hub: SimHub): SimProxy {
  return new SimProxy(hub.sim.worldOf("edge-1"), {
    hub: hubAddress,
    credential,
    identity: "b".repeat(32),
    name: "edge-1",
    perSecond: 0,
    seesAfterMs: 3_000,
  });
}

/** Both at work, and the hub ends at a write. @returns whether it did, and who wrote last */
async function tell(story: Story, write: number, ends: "killed" | "stopped") {
  const { before, ann, ben, isLater = false } = story;
  const hub = await SimHub.start();
  const drones = [hub.drone("web-1"), hub.drone("web-2", { stepMsMax: 20_000 })];
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  await hub.deploy(commits.one);
  await hub.deploy(commits.three, { promote: true });
  await before?.(hub, "eve");
  const proxy = isLater ? undefined : slowProxy(hub);
  await hub.sim.clock.until("the proxy has the book", () => proxy?.book.revision !== 0);
  const arm = () => (ends === "killed" ? hub.killAtWrite(write, "after") : hub.stopAtWrite(write));
  if (!isLater) arm();
  ann.begin(hub, "ann").catch(() => undefined);
  if (isLater) {
    while ((await writtenOf(hub, story)).length === 0) await hub.sim.clock.advance(50);
    arm();
  }
  ben.begin(hub, "ben").catch(() => undefined);
  await hub.sim.clock.advance(60_000);
  const died = !hub.isAlive;
  if (!died) hub.kill();
  await hub.start();
  await hub.sim.clock.advance(10 * 60_000);

  const place = `${ends} at write ${write}`;
  const plans = (await plansOf(hub)).filter(({ by }) => by === "ann" || by === "ben");
  for (const { by, end, reason } of plans) {
    // Whatever ann waited for does not come about any more, and whoever reads her plan is told why.
    const isOvertaken = by === "ann" && /somebody \w+ it (?:again )?meanwhile/.test(reason);
    assert.equal(end, isOvertaken ? "failed" : "done", `${place}: ${by}: ${reason}`);
  }
  const written = await writtenOf(hub, story);
  const texts = written.map(({ text }) => text);
  assert.deepEqual(texts, [...new Set(texts)], `${place}: nobody's is written twice`);
  for (const plan of plans) {
    const isThere = written.some(({ by }) => by === plan.by);
    assert.ok(isThere, `${place}: ${plan.by} did nothing`);
  }
  const last = written.at(-1)?.by;
  if (last !== undefined) {
    const { isSo } = last === "ann" ? ann : ben;
    assert.ok(await isSo(hub), `${place}: it is not as ${last} said last, of ${texts.join()}`);
  }
  assert.deepEqual(await hub.keys("steps/"), [], `${place}: nothing stays of plans that are over`);
  await hub.stop();
  return { died, last };
}

describe("a change of one step that another life of the hub takes up again", () => {
  for (const story of stories) {
    for (const ends of ["killed", "stopped"] as const) {
      it(`leaves what was changed after it: ${story.name}, ${ends}`, async () => {
        let [write, hadBoth] = [0, false];
        for (let died = true; died;) {
          const told = await tell(story, ++write, ends);
          died = told.died;
          hadBoth ||= died && told.last === "ben";
        }
        assert.ok(write > 3 && write < 60, `it is over after ${write} writes`);
        assert.ok(hadBoth, "it never ended after ben's change");
      });
    }
  }
});

describe("an end of a drain that a hub wrote before it was killed", () => {
  it("is not written again after somebody drained", async () => {
    let isWritten = false;
    for (let write = 1; !isWritten; write++) {
      const hub = await SimHub.start();
      await hub.drones("web-1", "web-2");
      await hub.deploy(commits.three, { promote: true });
      await begun(drain(true))(hub, "eve");
      hub.killAtWrite(write, "after");
      drain(false)
        .begin(hub, "ann")
        .catch(() => undefined);
      await hub.sim.clock.advance(60_000);
      assert.ok(!hub.isAlive, "it died before the end was on disk");
      isWritten = (await hub.keys("steps/")).length > 0;
      if (!isWritten) continue;
      // As ben's, which was on disk in the same moment.
      await hub.rewrite("drones/", (row) => ({ ...(row as object), draining: true }));
      await hub.start();
      await hub.sim.clock.advance(60_000);
      const { drones } = await hub.call("hub.drones", {});
      assert.ok(drones.every(({ draining }) => draining));
      assert.deepEqual(
        (await plansOf(hub)).filter(({ by }) => by === "ann"),
        [{ by: "ann", end: "done", reason: "" }],
      );
      await hub.stop();
    }
  });
});

describe("what is kept of steps that were written", () => {
  it("is bounded, and the newest stays", () => {
    const rows = <T extends TableName>() => new Map<string, Row<T>>();
    const draft = new Draft({ rows });
    for (let now = 0; now < stepsMax + 5; now++) {
      markStep(draft, { run: `run-${now}`, key: `run-${now}/1/1`, now });
    }
    const steps = draft.rows("steps");
    assert.equal(steps.size, stepsMax);
    assert.equal(steps.has("run-4/1/1"), false);
    assert.equal(steps.has(`run-${stepsMax + 4}/1/1`), true);
  });
});
