import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShareReport } from "@propagit/protocol";
import { inWords } from "../../src/core/swarm-words.js";

const report: ShareReport = {
  artifact: "a".repeat(64),
  state: "whole",
  pieces: 512,
  piecesAll: 512,
  receivedBytes: 16_800_000,
  sentBytes: 0,
  wastedBytes: 0,
  receivedBytesPerSecond: 0,
};

test("says how much came, how fast, and from whom", () => {
  const line = (peer: string, receivedBytes: number) => ({ peer, receivedBytes, sentBytes: 5 });
  const hub = line("hub", 1_900_000);
  const peers = [line("web-1", 10_000_000), line("web-2", 4_900_000), line("web-3", 0)];
  const head = "512 pieces, 16 MiB, whole after 8.31 s";
  assert.equal(inWords(report, 8_310), head);
  assert.equal(inWords({ ...report, lines: [] }, 8_310), head);
  assert.equal(inWords({ ...report, lines: [hub] }, 8_310), `${head} (1.8 MiB from the hub)`);
  assert.equal(
    inWords({ ...report, lines: [hub, ...peers] }, 8_310),
    `${head} (1.8 MiB from the hub, 14 MiB from 2 peers)`,
  );
  assert.equal(
    inWords({ ...report, lines: peers.slice(0, 1) }, 8_310),
    `${head} (9.5 MiB from 1 peer)`,
  );
});
