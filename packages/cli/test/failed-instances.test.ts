/** What is told of instances that did not come about: on standard error, and with the exit code of a failure. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { exitCodes, type FailedInstance } from "@propagit/protocol";
import { run } from "./support/command.js";
import { FakeHub } from "./support/fake-hub.js";

const ended = { drone: "web-1", process: "a1" };
const late = "it did not end within 2 min: stopping";
const crashed = "exit code 1";

describe("instances that do not come about", () => {
  let hub: FakeHub;
  let failed: FailedInstance[] = [];

  before(async () => {
    const some = () => ({ instances: [ended], ...(failed.length > 0 && { failed }) });
    hub = await FakeHub.start({
      handlers: {
        "hub.drain": () => ({ instances: failed.length, ...(failed.length > 0 && { failed }) }),
        "hub.hold": some,
        "hub.spawn": some,
      },
    });
  });

  after(() => hub.lose());

  beforeEach(() => {
    failed = [];
  });

  const spawn = ["spawn", "webapp", "--name=admin", "--worker"];

  it("are no word about those that do", async () => {
    for (const [args, said] of [
      [["drone", "drain", "web-1"], "web-1 is drained; it runs 0 instances\n"],
      [["start", "webapp"], "1 instance started again\n"],
      [[...spawn, "--", "node", "admin.js"], "admin is spawned: 1 instance\n"],
    ] as const) {
      const { code, stdout } = await run(hub, args);
      assert.deepEqual([code, stdout], [exitCodes.ok, said]);
    }
  });

  it("leave a drone that is not drained", async () => {
    const reason = "web of webapp did not go within 15 min: ready";
    failed = [{ drone: "web-1", process: "b2", reason }];
    const { code, stdout, stderr } = await run(hub, ["drone", "drain", "web-1"]);
    assert.deepEqual([code, stdout], [exitCodes.failed, ""]);
    assert.match(
      stderr,
      /web-1 is not drained: web-1: web of webapp did not go within 15 min: ready/,
    );
    assert.match(stderr, /propagit drone undrain web-1/);
  });

  it("are told of a stop and of a start, by drone", async () => {
    failed = [{ drone: "web-2", process: "b2", reason: late }];
    const stopped = await run(hub, ["stop", "webapp", "--service=web", "--json"]);
    assert.equal(stopped.code, exitCodes.failed);
    assert.deepEqual(JSON.parse(stopped.stdout), [ended]);
    assert.match(
      stopped.stderr,
      /1 of 2 instances is not stopped: web-2: it did not end within 2 min: stopping/,
    );
    failed = [{ drone: "web-2", reason: "nothing of it began within 5 min" }];
    const started = await run(hub, ["start", "webapp"]);
    assert.deepEqual([started.code, started.stdout], [exitCodes.failed, ""]);
    const why = /1 of 2 instances is not ready again: web-2: nothing of it began within 5 min/;
    assert.match(started.stderr, why);
    assert.match(started.stderr, /propagit logs webapp/);
  });

  it("are told of what is spawned", async () => {
    failed = [{ drone: "web-2", process: "b2", reason: crashed }];
    const { code, stdout, stderr } = await run(hub, [...spawn, "--", "node", "admin.js"]);
    assert.deepEqual([code, stdout], [exitCodes.failed, ""]);
    assert.match(stderr, /admin is not ready everywhere: web-2: exit code 1/);
    assert.match(stderr, /propagit stop webapp --service=admin/);
  });
});
