/** Drains of plans: of a drone, of one repository there; what is so already, what cannot be, how long it may take. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  PropagitError,
  toPropagitError,
  type FailedInstance,
  type InstanceReport,
} from "@propagit/protocol";
import type { DrainPart, Task } from "@propagit/plan";
import { SimClock } from "@propagit/runtime";
import type { Member } from "../src/fleet.js";
import type { HoldDesk } from "../src/hold-desk.js";
import { balancedHere, PlanBalancer } from "../src/plan-balancer.js";

type Report = Pick<InstanceReport, "repo" | "service" | "phase"> & { environment: string };

interface Bench {
  readonly isStuck?: boolean;
  /** What does not come back when it is started again. */
  readonly failed?: readonly FailedInstance[];
}

/** A drone whose instances go when they are told to, after a while or never. */
function bench({ isStuck = false, failed }: Bench = {}) {
  const clock = new SimClock();
  const asked: unknown[] = [];
  const web: Report = { repo: "shop", environment: "production", service: "web", phase: "ready" };
  const instances = new Map<string, Report>([
    ["p1", web],
    ["p2", { ...web, repo: "blog" }],
  ]);
  const member = { name: "one", draining: false, instances };
  const gone = (repo: string | undefined, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
      if (isStuck) return;
      clock.after(2_000, () => {
        for (const [id, report] of instances) {
          if (repo === undefined || report.repo === repo) instances.delete(id);
        }
        resolve();
      });
    });
  const holds = {
    drain: async (params: { drain: boolean }, { signal }: { signal: AbortSignal }) => {
      asked.push(params);
      member.draining = params.drain;
      if (params.drain) await gone(undefined, signal);
      return { instances: instances.size };
    },
    hold: async (
      params: { target: { repo?: string }; start: boolean },
      { signal }: { signal: AbortSignal },
    ) => {
      asked.push(params);
      if (params.start && failed) return { instances: [], failed };
      if (params.start) throw new PropagitError("NO_INSTANCE", "nothing fits");
      await gone(params.target.repo, signal);
      return { instances: [] };
    },
  } as unknown as Pick<HoldDesk, "drain" | "hold">;
  const fleet = { members: [member as unknown as Member] };
  const balancer = new PlanBalancer({ clock, fleet, holds });
  const part = (more: Partial<DrainPart> = {}): DrainPart => ({
    machine: "one",
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...more,
  });
  const settle = async (work: Promise<{ outcome: string }>) => {
    let said: string | undefined;
    void work.then(
      ({ outcome }) => (said = outcome),
      (thrown: unknown) =>
        (said = `${toPropagitError(thrown).code}: ${toPropagitError(thrown).message}`),
    );
    await clock.until("it to end", () => said !== undefined);
    return said;
  };
  return { balancer, asked, instances, part, settle };
}

describe("drains of plans", () => {
  it("wait until nothing is left on the drone, and find that the second time", async () => {
    const { balancer, asked, part, settle } = bench();
    assert.equal(await settle(balancer.drain(part())), "done");
    assert.equal(await settle(balancer.drain(part())), "unchanged");
    assert.equal(await settle(balancer.undrain(part())), "done");
    assert.equal(await settle(balancer.undrain(part())), "unchanged");
    assert.deepEqual(asked, [
      { drone: "one", drain: true, by: "a plan" },
      { drone: "one", drain: false, by: "a plan" },
    ]);
  });

  it("may be of one repository, and leave the others there", async () => {
    const { balancer, asked, instances, part, settle } = bench();
    const shop = part({ repo: "shop", environment: "production", service: "web" });
    assert.equal(await settle(balancer.drain(shop)), "done");
    assert.deepEqual([...instances.keys()], ["p2"]);
    assert.equal(await settle(balancer.drain(shop)), "unchanged");
    assert.equal(await settle(balancer.undrain(shop)), "unchanged");
    const target = {
      drones: { names: ["one"] },
      repo: "shop",
      environment: "production",
      services: ["web"],
    };
    assert.deepEqual(asked[0], { target, start: false, force: false, by: "a plan" });
  });

  it("fail when they take too long, and for a machine that is no drone", async () => {
    const { balancer, part, settle } = bench({ isStuck: true });
    const late = await settle(balancer.drain(part()));
    assert.equal(late, "TIMED_OUT: 2 instances are still there on one");
    const other = await settle(balancer.drain(part({ machine: "fe001" })));
    assert.equal(other, "NO_DRONE: no drone is called fe001");
  });

  it("of one repository are not taken back where it does not get ready again", async () => {
    const reason = "exit code 1";
    const { balancer, part, settle } = bench({ failed: [{ drone: "one", process: "p1", reason }] });
    const back = await settle(balancer.undrain(part({ repo: "shop" })));
    assert.equal(back, `COMMAND_FAILED: p1 on one: ${reason}; see why with \`propagit logs\``);
  });

  it("of a task on a drone are the hub's to do, unless somebody else's balancer is asked", () => {
    const task = { command: "drain", where: { kind: "drone", drone: "one" }, args: {} } as Task;
    assert.deepEqual(balancedHere(task), {
      ...task,
      where: { kind: "engine" },
      args: { machine: "one" },
    });
    const webhook = { ...task, args: { webhook: "https://lb.example" } };
    assert.equal(balancedHere(webhook), webhook);
    const other = { ...task, command: "execute" };
    assert.equal(balancedHere(other), other);
  });
});
