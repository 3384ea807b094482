import assert from "node:assert/strict";
import { test } from "node:test";
import { flushLater, type LateWriter } from "../../src/system/write-batch.js";

class Recorder implements LateWriter {
  flushed = 0;
  readonly #then: () => void;

  constructor(then: () => void = () => undefined) {
    this.#then = then;
  }

  flush(): void {
    this.flushed += 1;
    this.#then();
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("flushes every writer once, at the end of the turn", async () => {
  const writers = [new Recorder(), new Recorder()];
  for (const writer of writers) flushLater(writer);
  assert.deepEqual(
    writers.map(({ flushed }) => flushed),
    [0, 0],
  );
  await turn();
  assert.deepEqual(
    writers.map(({ flushed }) => flushed),
    [1, 1],
  );
});

test("does not let the first of many wait, and forgets none of them", async () => {
  const writers = Array.from({ length: 1_000 }, () => new Recorder());
  for (const writer of writers) flushLater(writer);
  assert.equal(writers[0]?.flushed, 1);
  await turn();
  assert.ok(writers.every(({ flushed }) => flushed === 1));
});

test("takes writers that come while others are flushed, however many", async () => {
  const late = Array.from({ length: 200 }, () => new Recorder());
  const early = Array.from({ length: 100 }, (_, index) => {
    return new Recorder(() => {
      for (const writer of late.slice(2 * index, 2 * index + 2)) flushLater(writer);
    });
  });
  for (const writer of early) flushLater(writer);
  await turn();
  await turn();
  assert.ok([...early, ...late].every(({ flushed }) => flushed === 1));
});
