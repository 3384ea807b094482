import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import {
  HostExecutor,
  HostLostMidway,
  localHost,
  localMeans,
  readPlan,
  toolBox,
  type GateProbe,
  type Host,
  type Task,
  type TaskCall,
} from "@propagit/plan";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { deferred, nodeClock } from "@propagit/runtime";

const executor = () =>
  new HostExecutor({
    commands: toolBox,
    clock: nodeClock,
    means: localMeans({ TOKEN: "abc" }),
    hostFor: () => localHost(),
  });

function planOf(stage: object) {
  const value = { name: "p", stages: [{ name: "s", tasks: [], ...stage }] };
  return readPlan({ maker: "test", value }, toolBox);
}

function taskOf(task: object): Task {
  const found = planOf({ tasks: [task] }).stages[0]?.lines[0]?.[0];
  assert.ok(found);
  return found;
}

function gateOf(gate: object): GateProbe {
  const [found] = planOf({ gate }).stages[0]?.gates ?? [];
  assert.ok(found && found.kind !== "approval" && found.kind !== "window");
  return found;
}

const never = new AbortController().signal;
const orderOf = (task: Task) => ({ run: "r", task, attempt: 1, key: "r/1.1.1/1" });

describe("tasks in the engine's process", () => {
  it("are carried out by their command, with what it says and prints", async () => {
    const lines: string[] = [];
    const call: TaskCall = { signal: never, onOutput: (line) => void lines.push(line) };
    const end = await executor().run(orderOf(taskOf({ command: "execute", run: "echo hi" })), call);
    assert.deepEqual([end, lines], [{ outcome: "done" }, ["hi"]]);
    const same = taskOf({ command: "execute", run: "echo hi", creates: "/" });
    const unchanged = await executor().run(orderOf(same), call);
    assert.equal(unchanged.outcome, "unchanged");
    assert.match(unchanged.reason ?? "", /is there/);
  });

  it("that may run once are unknown when their host is lost in the middle, and failed when it was never reached", async () => {
    const endsOf = async (once: boolean, execute: Host["execute"]) => {
      const options = { commands: toolBox, clock: nodeClock, means: localMeans({}) };
      const hostFor = () => ({ ...localHost(), execute });
      const task = taskOf({ command: "execute", run: "x", once });
      const run = new HostExecutor({ ...options, hostFor }).run(orderOf(task), {
        signal: never,
        onOutput: () => undefined,
      });
      return run.then(
        ({ outcome }) => outcome,
        (thrown: unknown) => toPropagitError(thrown).code,
      );
    };
    const midway = () => Promise.reject(new HostLostMidway("it broke"));
    const unreached = () => Promise.reject(new PropagitError("HOST_LOST", "no route"));
    assert.equal(await endsOf(true, midway), "unknown");
    assert.equal(await endsOf(false, midway), "HOST_LOST");
    assert.equal(await endsOf(true, unreached), "HOST_LOST");
  });

  it("fail when their command is no more", async () => {
    const order = orderOf({ ...taskOf({ command: "message", message: "x" }), command: "gone" });
    const run = executor().run(order, { signal: never, onOutput: () => undefined });
    await assert.rejects(run, { code: "BAD_PLAN", message: "there is no command gone any more" });
  });

  it("are ended together, and waited for", async () => {
    const one = executor();
    const task = taskOf({ command: "execute", run: "echo on; exec sleep 60" });
    const begun = deferred<void>();
    const run = one.run(orderOf(task), { signal: never, onOutput: () => begun.resolve() });
    run.catch(() => undefined);
    await begun.promise;
    await one.end();
    await assert.rejects(run, { code: "TASK_FAILED" });
  });

  it("that a former process began are unknown", async () => {
    assert.equal(await executor().recall(), "unknown");
  });
});

describe("gates", () => {
  it("of a command open by its exit code", async () => {
    const look = (run: string, exit: number) =>
      executor().look(gateOf({ command: { command: "execute", run }, exit }), never);
    assert.equal((await look("exit 0", 0)).state, "open");
    assert.deepEqual(await look("exit 3", 3).then(({ state }) => state), "open");
    const shut = await look("echo not yet; exit 1", 0);
    assert.equal(shut.state, "shut");
    assert.match(shut.why, /^execute ended with 1: .*not yet/);
  });

  it("of a URL open by what it answers", async () => {
    const server = createServer((_, answer) => answer.writeHead(503).end()).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const shut = await executor().look(gateOf({ http: url }), never);
    assert.deepEqual(shut, { state: "shut", why: `${url} answered 503` });
    const open = await executor().look(gateOf({ http: url, status: 503 }), never);
    assert.equal(open.state, "open");
    server.close();
    await assert.rejects(executor().look(gateOf({ http: "http://127.0.0.1:1/" }), never), {
      code: "TASK_FAILED",
    });
  });

  it("that only a hub can look at never open", async () => {
    const view = await executor().look(gateOf({ health: "webapp" }), never);
    assert.deepEqual(view, { state: "refused", why: "only a hub knows the health of webapp" });
  });
});
