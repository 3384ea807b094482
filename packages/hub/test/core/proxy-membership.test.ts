import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PropagitError } from "@propagit/protocol";
import type { Contact } from "../../src/core/contact.js";
import { meetingOf, planMeet, type Meeting } from "../../src/core/proxy-membership.js";
import type { ProxyRow } from "../../src/core/rows.js";

const day = 86_400_000;
const identity = "a".repeat(32);
const self: Meeting = { identity, name: "edge", version: "1.0.0", address: { port: 80 } };
const known: ProxyRow = {
  identity,
  name: "edge",
  wanted: "edge",
  address: "10.0.0.9:80",
  version: "1.0.0",
  state: "connected",
  since: 1,
};

function plan(
  rows: readonly ProxyRow[],
  contacts: Readonly<Record<string, Contact>>,
  change: Partial<Meeting> = {},
  now = 10 * day,
) {
  const meeting = { ...self, ...change };
  const byIdentity = new Map(rows.map((row) => [row.identity, row]));
  return planMeet(byIdentity, (one) => contacts[one], { meeting, host: "10.0.0.9", now });
}

describe("meeting a proxy", () => {
  it("is news the first time, and when it had been away", () => {
    const { row, change } = plan([], {});
    assert.deepEqual([row.name, row.address, row.since], ["edge", "10.0.0.9:80", 10 * day]);
    assert.deepEqual(change?.events, [
      { kind: "proxy-joined", text: "proxy edge takes visitors at 10.0.0.9:80" },
    ]);
    assert.equal(plan([known], { [identity]: "away" }).change?.events.length, 1);
  });

  it("changes nothing when it is back at once, and is no news when only its address is another", () => {
    assert.equal(plan([known], { [identity]: "lost" }).change, undefined);
    const moved = plan(
      [known],
      { [identity]: "lost" },
      { address: { host: "10.0.0.8", port: 81 } },
    );
    assert.deepEqual([moved.row.address, moved.change?.events], ["10.0.0.8:81", []]);
  });

  it("gives a second one of that name another, and lets it keep that", () => {
    const other = { identity: "b".repeat(32) };
    const second = plan([known], { [identity]: "connected" }, other).row;
    assert.equal(second.name, "edge-1");
    assert.equal(plan([known, second], {}, other).row.name, "edge-1");
  });

  it("forgets those that are away for more than a week, and gives their name away", () => {
    const away = { ...known, identity: "c".repeat(32), since: 2 * day };
    assert.equal(plan([away], { [away.identity]: "away" }, {}, 9 * day).row.name, "edge-1");
    const later = plan([away], { [away.identity]: "away" }, {}, 9 * day + 1);
    assert.deepEqual([later.row.name, later.forgotten], ["edge", [away.identity]]);
  });

  it("knows a thousand, and refuses more", () => {
    const many = Array.from({ length: 1_000 }, (_, at) => {
      return { ...known, identity: String(at).padStart(32, "0"), name: `p${at}` };
    });
    assert.throws(() => plan(many, {}), { code: "OVERLOADED" });
  });

  it("refuses one of a former version, and says what to do", () => {
    assert.throws(
      () => meetingOf({}),
      (thrown: PropagitError) =>
        thrown.code === "BAD_VERSION" && thrown.hint === "update the proxy to the hub's version",
    );
    assert.deepEqual(meetingOf({ ...self, zone: "fra" }), { ...self, zone: "fra" });
  });
});
