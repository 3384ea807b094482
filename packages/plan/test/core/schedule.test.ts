import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Heap } from "../../src/core/heap.js";
import { lockWait } from "../../src/core/locks.js";
import { Schedule } from "../../src/core/schedule.js";

describe("a schedule", () => {
  it("always takes the lowest ready line whose host has room, as looking at all of them would", () => {
    const step = fc.record({
      kind: fc.constantFrom("add", "enter", "leave", "withdraw"),
      pick: fc.nat(),
    });
    const limits = fc.record({
      concurrency: fc.integer({ min: 1, max: 6 }),
      concurrencyPerHost: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 200 }), (limits, steps) => {
        const schedule = new Schedule(limits);
        const ready = new Map<number, string>();
        const running = new Map<number, string>();
        for (const { kind, pick } of steps) {
          const line = pick % 30;
          const host = `h${pick % 4}`;
          const [entered] = [...running.keys()].slice(pick % Math.max(1, running.size));
          if (kind === "add" && !ready.has(line) && !running.has(line)) {
            schedule.add(line, host);
            ready.set(line, host);
          } else if (kind === "withdraw") {
            schedule.withdraw(line);
            ready.delete(line);
          } else if (kind === "leave" && entered !== undefined) {
            schedule.leave(running.get(entered) ?? "");
            running.delete(entered);
          } else if (kind === "enter") {
            const next = schedule.next();
            if (next !== undefined) {
              schedule.enter(next);
              running.set(next, ready.get(next) ?? "");
              ready.delete(next);
            }
          }
          assert.equal(schedule.next(), nextOf(limits, ready, running));
          assert.equal(schedule.running, running.size);
        }
      }),
    );
  });
});

function nextOf(
  limits: { concurrency: number; concurrencyPerHost: number },
  ready: ReadonlyMap<number, string>,
  running: ReadonlyMap<number, string>,
): number | undefined {
  if (running.size >= limits.concurrency) return undefined;
  const busy = [...running.values()];
  return [...ready.keys()]
    .sort((left, right) => left - right)
    .find((line) => {
      return busy.filter((host) => host === ready.get(line)).length < limits.concurrencyPerHost;
    });
}

describe("a heap", () => {
  it("gives what was added in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (values) => {
        const heap = new Heap<number>((left, right) => left < right);
        for (const value of values) heap.add(value);
        const taken = values.map(() => heap.take());
        assert.deepEqual(
          taken,
          [...values].sort((left, right) => left - right),
        );
        assert.equal(heap.size, 0);
        assert.equal(heap.take(), undefined);
      }),
    );
  });
});

describe("locks", () => {
  it("are waited for behind the first that has or wants one of them", () => {
    const before = [
      { run: "a", locks: ["x"] },
      { run: "b", locks: ["y", "x"] },
    ];
    assert.equal(lockWait([], before), undefined);
    assert.equal(lockWait(["z"], before), undefined);
    assert.deepEqual(lockWait(["z", "x"], before), { lock: "x", behind: "a" });
    assert.deepEqual(lockWait(["y"], before), { lock: "y", behind: "b" });
  });
});
