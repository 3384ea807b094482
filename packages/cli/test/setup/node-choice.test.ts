import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseFacts } from "../../src/setup/host-facts.js";
import { chooseNode } from "../../src/setup/node-choice.js";
import { compareVersions } from "../../src/setup/versions.js";

const own = { platform: "linux", arch: "x64", libc: "glibc" } as const;
const plain = ["system=Linux", "machine=x86_64", "user=deploy", "libc=glibc"];

const choiceFor = (...lines: readonly string[]) =>
  chooseNode(parseFacts([...plain, ...lines].join("\n")), own);

describe("the Node of a host", () => {
  it("is the first that is there and new enough", () => {
    const node = { version: "22.11.0", prefix: "/usr" };
    const lines = ["node=v18.19.0 /opt/old/bin/node", "node=v22.11.0 /usr/bin/node"];
    assert.deepEqual(choiceFor(...lines), { kind: "there", node });
  });

  it("is this machine's own when there is none, none that runs, or an old one", () => {
    const none = { kind: "own", why: "there is no Node that runs" };
    assert.deepEqual(choiceFor(), none);
    assert.deepEqual(choiceFor("node= /usr/bin/node", "node=what"), none);
    const old = choiceFor("node=v20.18.9 /usr/bin/node");
    assert.deepEqual(old, { kind: "own", why: "Node 20.18.9 is older than 20.19.0" });
  });

  it("comes from the net where this machine's own is for another processor, libc or system", () => {
    const why = (...lines: readonly string[]) => {
      const choice = chooseNode(parseFacts([...lines, ...plain].join("\n")), own);
      return choice.kind === "net" ? choice.why : choice.kind;
    };
    assert.match(why("machine=aarch64"), /is for x64, not aarch64/);
    assert.match(why("libc=musl"), /is for glibc, not musl/);
    const mac = chooseNode(parseFacts(plain.join("\n")), { ...own, platform: "darwin" });
    assert.match(mac.kind === "net" ? mac.why : "", /is for darwin/);
  });
});

describe("facts of a host", () => {
  it("are read from what its script says, whatever else it says", () => {
    const text = [...plain, "git=git version 2.39.5", "missing=tar", "missing=gzip", "noise", ""];
    assert.deepEqual(parseFacts(text.join("\n")), {
      system: "Linux",
      machine: "x86_64",
      libc: "glibc",
      user: "deploy",
      missing: ["tar", "gzip"],
      nodes: [],
      git: "2.39.5",
    });
  });
});

describe("versions", () => {
  it("are compared by their numbers", () => {
    const numbers = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));
    fc.assert(
      fc.property(numbers, numbers, (left, right) => {
        const sign = Math.sign(compareVersions(left.join("."), `v${right.join(".")}`));
        const [a, b] = [left, right].map(([x, y, z]) => x * 10_000 + y * 100 + z);
        assert.equal(sign, Math.sign((a ?? 0) - (b ?? 0)));
      }),
    );
  });
});
