import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SendQueue } from "../../src/system/send-queue.js";

const writeBytesMax = 528 * 1024;

describe("the queue of a line", () => {
  it("gives back all bytes in their order, in writes that are neither too large nor empty", () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: 700_000 }),
    );
    const step = fc.oneof({ weight: 3, arbitrary: size }, { weight: 1, arbitrary: fc.constant(0) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new SendQueue();
        const [pushed, taken]: [Buffer[], Uint8Array[]] = [[], []];
        const take = () => {
          const bytes = queue.take();
          if (!bytes) return false;
          assert.ok(bytes.length > 0 && bytes.length <= writeBytesMax);
          taken.push(Buffer.from(bytes));
          return true;
        };
        for (const [index, length] of steps.entries()) {
          if (length === 0) take();
          else {
            const bytes = Buffer.alloc(length, index);
            pushed.push(bytes);
            queue.push(bytes);
          }
        }
        while (take()) continue;
        assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)));
      }),
      { numRuns: 200 },
    );
  });

  it("joins small messages, and copies no large one", () => {
    const queue = new SendQueue();
    const large = Buffer.alloc(100_000, 1);
    for (const text of ["a", "b", "c"]) queue.push(Buffer.from(text));
    queue.push(large);
    queue.push(Buffer.from("d"));
    assert.equal(Buffer.from(queue.take() ?? []).toString(), "abc");
    const second = queue.take();
    assert.equal(second, large);
    assert.equal(Buffer.from(queue.take() ?? []).toString(), "d");
    assert.equal(queue.take(), undefined);
  });

  it("forgets what waits when it is cleared, and holds on to nothing it gave", () => {
    const queue = new SendQueue();
    for (let index = 0; index < 5_000; index++) {
      queue.push(Buffer.alloc(10_000, 1));
      queue.push(Buffer.alloc(10_000, 2));
      assert.ok(queue.take());
    }
    queue.clear();
    assert.equal(queue.take(), undefined);
  });
});
