import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SwarmPeer } from "@propagit/protocol";
import {
  admissionNow,
  admissionOf,
  decodeGrant,
  encodeGrant,
  firstOf,
  peersOf,
  withPeers,
  type KnownGrant,
} from "../../src/core/swarm-grant.js";

const hub = { host: "hub.example", port: 6001 };
const hider = {
  hide: (text: string) => `hidden:${Buffer.from(text).toString("base64")}`,
  show: (text: string) =>
    text.startsWith("hidden:") ? Buffer.from(text.slice(7), "base64").toString() : undefined,
};

function peer(name: string, change: Partial<SwarmPeer> = {}): SwarmPeer {
  return { name, role: "drone", host: "10.0.0.1", port: 7001, ...change };
}

function known(change: Partial<KnownGrant> = {}): KnownGrant {
  return {
    repo: "webapp",
    commit: "a".repeat(40),
    base: undefined,
    isCarried: false,
    isWhole: false,
    givenAt: 1_000_000,
    admission: {
      artifact: "c".repeat(64),
      bytes: 1_000,
      secret: "0123456789abcdef".repeat(4),
      holder: "web-1",
      expiresAt: 5_000_000,
      hubNow: 2_000_000,
      hubKey: "a key",
      peers: [peer("web-2")],
    },
    ...change,
  };
}

test("comes back from the disk as it was, without its secret being there", () => {
  for (const grant of [known(), known({ base: "b".repeat(64), isCarried: true, isWhole: true })]) {
    const text = encodeGrant(grant, hider);
    assert.ok(!text.includes(grant.admission.secret));
    assert.deepEqual(decodeGrant(text, hider), grant);
  }
});

test("believes nothing that is damaged, or was hidden by another key", () => {
  const text = encodeGrant(known(), hider);
  const other = { ...hider, show: () => undefined };
  assert.equal(decodeGrant(text, other), undefined);
  for (const bad of [
    "",
    "{}",
    "[]",
    "null",
    text.slice(0, -5),
    text.replace('"port":7001', '"port":0'),
  ]) {
    assert.equal(decodeGrant(bad, hider), undefined, bad);
  }
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, char) => {
      const changed = text.slice(0, at) + char + text.slice(at + 1);
      // Whatever it is, it has the shape of a grant or is none.
      const grant = decodeGrant(changed, hider);
      assert.ok(grant === undefined || /^[0-9a-f]{64}$/.test(grant.admission.secret));
    }),
  );
});

test("puts the hub where this drone reaches it", () => {
  const show = (hidden: string) => `shown ${hidden}`;
  const peers = [
    peer("hub", { role: "hub", host: "*", port: 1, key: "k", expiresAt: 5 }),
    peer("hub-2", { role: "hub", host: "10.1.1.1", port: 2 }),
    peer("web-2", { host: "*" }),
  ];
  assert.deepEqual(
    peersOf(peers, show, hub).map(({ host, port, key }) => `${host}:${port} ${key ?? "no key"}`),
    ["hub.example:6001 shown k", "10.1.1.1:2 no key", "*:7001 no key"],
  );
  const { artifact, bytes, holder, expiresAt, hubNow: now, hubKey } = known().admission;
  const grant = { artifact, bytes, holder, expiresAt, now, hubKey, secret: "hidden", peers };
  assert.deepEqual(admissionOf(grant, show, hub), {
    ...known().admission,
    secret: "shown hidden",
    peers: peersOf(peers, show, hub),
  });
});

test("hides the keys of peers beside their pieces, and forgets whom it has no key for", () => {
  const peers = [peer("a", { key: "1".repeat(64) }), peer("b", { key: "2".repeat(64) }), peer("c")];
  const { admission } = known();
  const text = encodeGrant(known({ admission: { ...admission, peers } }), hider);
  for (const { key } of peers) assert.ok(key === undefined || !text.includes(key));
  const show = (hidden: string) => {
    const shown = hider.show(hidden);
    return shown?.startsWith("2") ? undefined : shown;
  };
  const back = decodeGrant(text, { ...hider, show });
  assert.deepEqual(back?.admission.peers, [peers[0], peers[2]]);
});

test("lets the hub's clock run on, also over a restart", () => {
  assert.equal(admissionNow(known(), 1_060_000).hubNow, 2_060_000);
  assert.equal(admissionNow(known(), 900_000).hubNow, 2_000_000, "a clock that was set back");
});

test("remembers the newest 64 peers, each once", () => {
  const many = Array.from({ length: 70 }, (_, index) => peer(`p${index}`));
  const before = withPeers(known(), many);
  assert.equal(before.admission.peers.length, 64);
  const after = withPeers(before, [peer("p3", { port: 9 }), peer("new")]);
  assert.deepEqual(
    after.admission.peers.slice(0, 3).map(({ name, port }) => [name, port]),
    [
      ["p3", 9],
      ["new", 7001],
      ["p0", 7001],
    ],
  );
  assert.equal(after.admission.peers.length, 64);
});

test("begins with what the others are thin against", () => {
  const [a, b, c] = ["a", "b", "c"].map((char) => char.repeat(40)) as [string, string, string];
  const grants = [
    known({ commit: c, base: b }),
    known({ commit: b, base: a }),
    known({ commit: a }),
  ];
  const first = (have: string[], name = { repo: "webapp", commit: c }) =>
    firstOf(grants, name, have)?.commit;
  assert.equal(first([]), a);
  assert.equal(first([a]), b);
  assert.equal(first([a, b]), c);
  assert.equal(first([], { repo: "webapp", commit: "d".repeat(40) }), undefined);
  assert.equal(first([], { repo: "other", commit: a }), undefined);
  const circle = [known({ commit: a, base: b }), known({ commit: b, base: a })];
  assert.equal(firstOf(circle, { repo: "webapp", commit: a }, []), undefined);
});
