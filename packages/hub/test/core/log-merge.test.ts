import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { check, methods, type LogLine } from "@propagit/protocol";
import fc from "fast-check";
import { LogMerge, partsOf } from "../../src/core/log-merge.js";

export function line(at: number, text: string, drone = "web-1"): LogLine {
  return {
    at,
    drone,
    repo: "webapp",
    environment: "production",
    release: 1,
    commit: "74336bc1db98478e02e69f59e7100895be207389",
    service: "http",
    slot: 1,
    process: "c3d4",
    text,
  };
}

const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text).join(" ");
const unbounded = { linesMax: Infinity, charsMax: Infinity };

describe("lines of many drones", () => {
  it("come in the order of their time", () => {
    const merge = new LogMerge(unbounded);
    merge.add("a", [line(1, "a1"), line(4, "a4")]);
    merge.add("b", [line(2, "b2"), line(3, "b3")]);
    assert.equal(texts(merge.takeAll()), "a1 b2 b3 a4");
    assert.equal(texts(merge.takeAll()), "");
  });

  it("keep a drone's own order when its clock was set back", () => {
    const merge = new LogMerge(unbounded);
    merge.add("a", [line(10, "first"), line(3, "second")]);
    merge.add("a", [line(4, "third")]);
    merge.add("b", [line(11, "last")]);
    assert.equal(texts(merge.takeAll()), "first second third last");
  });

  it("are the newest when there are more than asked for", () => {
    const merge = new LogMerge({ linesMax: 2, charsMax: Infinity });
    merge.add("a", [line(1, "a1"), line(4, "a4")]);
    merge.add("b", [line(2, "b2"), line(3, "b3")]);
    assert.equal(texts(merge.takeAll()), "b3 a4");
    assert.equal(merge.takeLost(), undefined);
  });

  it("are lost when they would fill the memory, which is said once", () => {
    const merge = new LogMerge({ linesMax: Infinity, charsMax: 4_000 });
    for (let at = 0; at < 100; at++) merge.add("a", [line(at, "x".repeat(200))]);
    const lost = merge.takeLost();
    const kept = merge.takeAll();
    assert.ok(kept.length > 4 && kept.length < 9);
    assert.equal(kept.at(-1)?.at, 99);
    assert.equal(lost?.at, 99 - kept.length);
    assert.equal(
      lost?.text,
      `[${100 - kept.length} lines are left out here: more than can be shown at once]`,
    );
    assert.equal(merge.takeLost(), undefined);
  });

  it("wait for others that are late, but not for ever", () => {
    const merge = new LogMerge(unbounded);
    merge.add("a", [line(5, "a5")], 100);
    assert.equal(texts(merge.takeArrived(99)), "");
    merge.add("b", [line(3, "b3"), line(7, "b7")], 150);
    assert.equal(texts(merge.takeArrived(100)), "b3 a5");
    assert.equal(texts(merge.takeArrived(150)), "b7");
  });

  it("are all there, each drone's in its own order, whatever is taken when", () => {
    const batch = fc.record({
      drone: fc.constantFrom("a", "b", "c"),
      ats: fc.array(fc.nat(50), { maxLength: 5 }),
      takeUntil: fc.option(fc.nat(60)),
    });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 30 }), (batches) => {
        const merge = new LogMerge(unbounded);
        const [added, taken]: [LogLine[], LogLine[]] = [[], []];
        for (const [now, { drone, ats, takeUntil }] of batches.entries()) {
          const lines = ats.map((at, index) => line(at, `${now}.${index}`, drone));
          added.push(...lines);
          merge.add(drone, lines, now);
          if (takeUntil !== null) taken.push(...merge.takeArrived(takeUntil));
        }
        taken.push(...merge.takeAll());
        for (const drone of ["a", "b", "c"]) {
          const of = (lines: LogLine[]) => texts(lines.filter((one) => one.drone === drone));
          assert.equal(of(taken), of(added));
        }
      }),
    );
  });
});

describe("parts of lines", () => {
  it("hold all of them in order, and fit the protocol", () => {
    const lines = Array.from({ length: 3_500 }, (_, at) => line(at, "x".repeat(at % 2_000)));
    const parts = partsOf(lines);
    assert.deepEqual(parts.flat(), lines);
    for (const part of parts) assert.ok(check(methods["hub.logs"].part, part).ok);
    assert.deepEqual(partsOf([]), []);
  });
});
