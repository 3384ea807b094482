import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SimPieceFiles } from "../../src/index.js";

const size = 5000;
const right = Uint8Array.from({ length: size }, (_, index) => (index * 7) & 255);

const writes = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: size - 1 }),
    length: fc.integer({ min: 1, max: size }),
    isRight: fc.boolean(),
    onStep: fc.boolean(),
  }),
);

describe("a simulated file", () => {
  it("has what was written, whether its right bytes are shared or not", async () => {
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        const file = await new SimPieceFiles({ shared: () => right }).open("a", size);
        const model = new Uint8Array(size);
        for (const { at, length, isRight, onStep } of list) {
          const from = onStep ? at - (at % 1024) : at;
          const to = Math.min(size, onStep ? from + 1024 : from + length);
          const bytes = isRight ? right.slice(from, to) : new Uint8Array(to - from).fill(9);
          await file.write(from, bytes);
          model.set(bytes, from);
        }
        const all = new Uint8Array(size);
        await file.read(0, all);
        assert.ok(Buffer.from(all).equals(model));
        const some = new Uint8Array(1500);
        await file.read(700, some);
        assert.ok(Buffer.from(some).equals(model.subarray(700, 2200)));
      }),
    );
  });

  it("is still there when it is opened again, and gone once it was removed", async () => {
    const files = new SimPieceFiles();
    await (await files.open("a", 4)).write(1, Uint8Array.of(5));
    await files.writeNote("a", "manifest", "text");
    await files.open("a", 4);
    assert.deepEqual(files.bytesOf("a"), Uint8Array.of(0, 5, 0, 0));
    await files.remove("a");
    assert.equal(await files.readNote("a", "manifest"), undefined);
    assert.deepEqual(await files.list(), []);
  });
});
