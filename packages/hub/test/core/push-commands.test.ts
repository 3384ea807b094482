import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readPushHead, startPushHead, type PushHead } from "../../src/core/push-commands.js";

const none = "0".repeat(40);
const [one, two] = ["1".repeat(40), "2".repeat(40)];

function line(text: string): string {
  return `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
}

const body = Buffer.from(
  [
    line(`${none} ${one} refs/heads/new\0report-status side-band-64k`),
    line(`${one} ${two} refs/heads/moved\n`),
    line(`shallow ${one}`),
    line(`${two} ${none} refs/tags/gone`),
    "0000PACK…",
  ].join(""),
);
const commands = [
  { ref: "refs/heads/new", oldId: undefined, newId: one },
  { ref: "refs/heads/moved", oldId: one, newId: two },
  { ref: "refs/tags/gone", oldId: two, newId: undefined },
];

test("the commands of a push are read, and the pack after them is not looked at", () => {
  assert.deepEqual(readPushHead(startPushHead, body), { kind: "read", commands });
});

test("they are read the same however the body is cut into pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: body.length - 1 })), (cuts) => {
      const edges = [0, ...new Set(cuts), body.length].sort((left, right) => left - right);
      let head: PushHead = startPushHead;
      for (let at = 1; at < edges.length; at++) {
        head = readPushHead(head, body.subarray(edges[at - 1], edges[at]));
      }
      assert.deepEqual(head, { kind: "read", commands });
    }),
  );
});

test("garbage is read as nothing, and any bytes are survived", () => {
  assert.deepEqual(readPushHead(startPushHead, Buffer.from("garbage")), {
    kind: "read",
    commands: [],
  });
  assert.deepEqual(readPushHead(startPushHead, Buffer.from("0003")), {
    kind: "read",
    commands: [],
  });
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      readPushHead(startPushHead, Buffer.from(bytes));
    }),
  );
});

test("refs that git would take for something else are left out", () => {
  for (const ref of ["refs/heads/a b", "refs/heads/a^{tree}", "HEAD", "refs/heads/\u0001x~1"]) {
    const head = readPushHead(startPushHead, Buffer.from(`${line(`${none} ${one} ${ref}`)}0000`));
    assert.deepEqual(head, { kind: "read", commands: [] }, ref);
  }
});

test("an endless list of commands is given up, not kept", () => {
  const piece = Buffer.from(line(`${none} ${one} refs/heads/${"x".repeat(80)}`).repeat(10_000));
  let head: PushHead = startPushHead;
  for (let at = 0; at < 10; at++) head = readPushHead(head, piece);
  assert.deepEqual(head, { kind: "read", commands: [] });
});
