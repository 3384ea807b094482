/** What a relay may ask of a drone: what the hub told it of, and nothing else. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroneCommandEnd, Errands } from "@propagit/protocol";
import { openCredential } from "@propagit/protocol";
import { SimClock } from "@propagit/runtime";
import type { DroneContext } from "../src/drone-part.js";
import { ErrandDesk, type ErrandStore } from "../src/plan-errands.js";

const [run, hash] = ["a".repeat(20), "b".repeat(64)];
const task = { task: "1.1.1", command: "execute", args: "{}", timeoutMs: 1_000, once: false };
const relay = { name: "head", host: "127.0.0.1", port: 1 };
const end: DroneCommandEnd = { outcome: "done", lastLines: [] };

function openDesk(errands: readonly Errands[]) {
  const clock = new SimClock();
  const asked: string[] = [];
  const store: ErrandStore = {
    all: errands,
    write: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const context = { name: () => "web-1", world: { clock }, tidySoon: () => undefined };
  const tasks = {
    run: ({ key }: { readonly key: string }) => {
      asked.push(key);
      return Promise.resolve(end);
    },
    recall: () => Promise.resolve({ state: "not-begun" as const }),
  };
  const parts = { store, tasks, credential: openCredential };
  const desk = new ErrandDesk(context as unknown as DroneContext, parts);
  // It keeps no line to anybody.
  void desk.stop();
  const call = { signal: new AbortController().signal, part: () => undefined };
  const ask = (changed: Partial<{ run: string; hash: string; task: string }>) =>
    desk.answer({ run, hash, task: "1.1.1", attempt: 2, ...changed }, call);
  return { ask, asked, clock };
}

describe("an errand", () => {
  it("is done when the hub told of it, by the key of its attempt", async () => {
    const { ask, asked } = openDesk([{ run, hash, relay, until: 1e15, tasks: [task] }]);
    assert.deepEqual(await ask({}), end);
    assert.deepEqual(asked, [`${run}/1.1.1/2`]);
  });

  it("is refused for another run, plan or task, and when its time is over", async () => {
    const told = { run, hash, relay, until: 1e15, tasks: [task] };
    const { ask, asked } = openDesk([told]);
    for (const other of [{ run: "c".repeat(20) }, { hash: "c".repeat(64) }, { task: "1.1.2" }]) {
      await assert.rejects(ask(other), {
        code: "DENIED",
        message: /web-1 was not told by the hub/,
      });
    }
    const late = openDesk([{ ...told, until: 0 }]);
    await assert.rejects(late.ask({}), { code: "DENIED" });
    assert.deepEqual([...asked, ...late.asked], []);
  });
});
