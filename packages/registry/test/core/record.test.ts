import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  admitMeta,
  admitRegistration,
  completeRecord,
  hostOfPeer,
  plainRecordHost,
} from "../../src/core/record.js";
import { commitA, commitB, hasCode } from "../support/samples.js";

const defaults = { id: "fresh", host: "10.0.0.7" };
const scope = { repo: "webapp", commit: commitA, drone: "d", process: "p1" };

describe("a registration", () => {
  it("is completed with an id, a version and the host it came from", () => {
    assert.deepEqual(completeRecord({ service: "say", port: 1 }, defaults), {
      id: "fresh",
      service: "say",
      version: "0.0.0",
      host: "10.0.0.7",
      port: 1,
      meta: {},
    });
  });

  it("keeps what its owner says", () => {
    const said = {
      id: "mine",
      service: "say",
      version: "1.0.0",
      commit: commitA,
      host: "box.local",
      port: 99,
      meta: { a: "1" },
    };
    assert.deepEqual(completeRecord(said, defaults), said);
  });

  it("is refused with a wrong name, version, host or metadata key", () => {
    const refusal = (changes: object) => () =>
      completeRecord({ service: "say", port: 1, ...changes }, defaults);
    assert.throws(refusal({ service: "a b" }), hasCode("BAD_NAME"));
    assert.throws(refusal({ version: "1.2" }), hasCode("BAD_RECORD"));
    assert.throws(refusal({ host: "a:b" }), hasCode("BAD_RECORD"));
    for (const host of ["1.2.3.999", "app.1"]) {
      assert.throws(refusal({ host }), hasCode("BAD_RECORD"), host);
    }
    assert.throws(refusal({ commit: "74336bc" }), hasCode("BAD_RECORD"));
    const meta = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    assert.throws(refusal({ meta }), hasCode("BAD_RECORD"));
  });
});

describe("a host", () => {
  const spellings: readonly (readonly [string, string])[] = [
    ["Box.Local", "box.local"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["[2001:DB8:0::1]", "2001:db8::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["192.0.2.7", "192.0.2.7"],
  ];
  for (const [given, plain] of spellings) {
    it(`is written ${plain} when ${given} is given`, () => {
      assert.equal(plainRecordHost(given), plain);
    });
  }

  it("of a peer on this machine is 127.0.0.1, whichever loopback it used", () => {
    assert.equal(hostOfPeer("::1"), "127.0.0.1");
    assert.equal(hostOfPeer("127.0.0.1"), "127.0.0.1");
    assert.equal(hostOfPeer("fe80::1%eth0"), "fe80::1");
  });
});

describe("a token", () => {
  it("fills in commit and process of what it registers", () => {
    const admitted = admitRegistration(scope, { service: "say", port: 1 });
    assert.equal(admitted.commit, commitA);
    assert.deepEqual(admitted.meta, { process: "p1" });
  });

  it("is good for no other commit and no other process", () => {
    const record = { service: "say", port: 1 };
    assert.throws(
      () => admitRegistration(scope, { ...record, commit: commitB }),
      hasCode("DENIED"),
    );
    assert.throws(
      () => admitRegistration(scope, { ...record, meta: { process: "p2" } }),
      hasCode("DENIED"),
    );
    assert.throws(() => admitMeta(scope, { process: "p2" }), hasCode("DENIED"));
  });

  it("is not needed where somebody knows the secret, or there is none", () => {
    const record = { service: "say", port: 1, commit: commitB, meta: { process: "p2" } };
    assert.deepEqual(admitRegistration("cluster", record), record);
    assert.deepEqual(admitRegistration("open", record), record);
  });
});
