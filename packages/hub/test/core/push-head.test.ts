import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readPushHead, startPushHead, type PushHead } from "../../src/core/push-head.js";

const [none, one] = ["0".repeat(40), "1".repeat(40)];

function line(text: string): string {
  return `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
}

const body = Buffer.from(
  [
    line(`${none} ${one} refs/heads/new\0 report-status side-band-64k agent=git/2`),
    line(`${one} ${none} refs/heads/gone\n`),
    "0000PACK…",
  ].join(""),
);
const capabilities = new Set(["report-status", "side-band-64k", "agent=git/2"]);

test("what a client can do is read, and nothing after it is looked at", () => {
  assert.deepEqual(readPushHead(startPushHead, body).capabilities, capabilities);
});

test("it is read the same however the body is cut into pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: body.length - 1 })), (cuts) => {
      const edges = [0, ...new Set(cuts), body.length].sort((left, right) => left - right);
      let head: PushHead = startPushHead;
      for (let at = 1; at < edges.length; at++) {
        head = readPushHead(head, body.subarray(edges[at - 1], edges[at]));
      }
      assert.deepEqual(head, { rest: Buffer.alloc(0), capabilities });
    }),
  );
});

test("garbage can nothing, and is not held on to", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), (bytes) => {
      const { rest } = readPushHead(startPushHead, Buffer.from(bytes));
      assert.ok(rest.length <= 65_520);
    }),
  );
  for (const garbage of ["zzzz", "0000", "fffffff", "0003"]) {
    const head = readPushHead(startPushHead, Buffer.from(garbage));
    assert.equal(head.capabilities?.has("side-band-64k") ?? false, false, garbage);
  }
});
