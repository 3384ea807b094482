import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { Problems, readJson, readYaml, type Shape } from "@propagit/shapes";
import { disTargetsShape, relayTargetsShape, targetsShape } from "../../src/core/target-shape.js";
import { aimsOf, type Aim, type TargetBook } from "../../src/core/targets.js";

const minuteMs = 60_000;
const limits = { charsMax: 100_000, valuesMax: 1_000, depthMax: 20 };

function read<T>(shape: Shape<T>, text: string, json = false): T | readonly string[] {
  const problems = new Problems("targets", text);
  const node = (json ? readJson : readYaml)(text, problems, limits);
  const value = node && shape.read(node, "targets", problems);
  if (value !== undefined && problems.isEmpty) return value;
  return problems.all.map(({ line, message }) => `${line}: ${message}`);
}

function book(targets: string, relays = "{}"): TargetBook {
  return {
    targets: read(targetsShape, targets) as TargetBook["targets"],
    relays: read(relayTargetsShape, relays) as TargetBook["relays"],
  };
}

const hosts = ["dc1-head", "dc2-head", "dc3-head", "web-1", "web-2"];

function aims(all: TargetBook, target = "all"): readonly string[] {
  const select = (member: string, at: string | undefined) => {
    const there = at === undefined ? hosts : ["web-1", "web-2", "rack-1"];
    return member === "*" ? there : there.filter((name) => name === member || member === "any");
  };
  return aimsOf({ book: all, select }, target).flatMap((aim) => shown(aim, ""));
}

function shown({ drone, afterMs, forward }: Aim, indent: string): readonly string[] {
  const below = forward?.aims.flatMap((aim) => shown(aim, `${indent}  `)) ?? [];
  return [`${indent}${drone} ${afterMs / minuteMs}`, ...below];
}

describe("targets", () => {
  it("nest, and add up their waits", () => {
    const nested = book(`
all:
  dc1-head: now
  heads: { after: 10m }
heads:
  dc3-head: 5m
`);
    assert.deepEqual(aims(nested), ["dc1-head 0", "dc3-head 15"]);
  });

  it("hand on to what a target means there, with times that begin there", () => {
    const forwarding = book(
      "all: { dc1-head: now, dc2-head: { forward: all, after: 60m } }",
      "dc2-head: { all: { web-1: now, web-2: 30m } }",
    );
    assert.deepEqual(aims(forwarding), ["dc1-head 0", "dc2-head 60", "  web-1 0", "  web-2 30"]);
  });

  it("mean every drone of their place by `all`, unless it is defined", () => {
    assert.deepEqual(
      aims(book("{}")),
      hosts.map((name) => `${name} 0`),
    );
    const forwarding = book("some: { dc2-head: { forward: all } }");
    assert.deepEqual(aims(forwarding, "some"), [
      "dc2-head 0",
      "  web-1 0",
      "  web-2 0",
      "  rack-1 0",
    ]);
  });

  it("reach a drone once, at the earliest of its times", () => {
    const twice = book("all: { any: 60m, dc1-head: 5m, dc2-head: now }");
    assert.deepEqual(aims(twice).slice(0, 3), ["dc2-head 0", "dc1-head 5", "dc3-head 60"]);
  });

  it("are refused when they turn in circles, or mean nothing", () => {
    const cases: readonly (readonly [TargetBook, RegExp])[] = [
      [book("all: { more: now }\nmore: { all: now }"), /"all" leads to itself: all > more > all/],
      [book("all: { nowhere: now }"), /member "nowhere" of "all" is no drone, target or selector/],
      [book("most: { web-1: now }"), /there is no target "all2": there are "most"/],
      [
        book("all: { dc1-head: { forward: quick } }"),
        /there is no target "quick" at dc1-head: none is defined/,
      ],
      [
        book("all: { more: { forward: x } }\nmore: { web-1: now }"),
        /member "more" of "all" is a target, and cannot forward/,
      ],
      [
        book(
          "all: { web-1: { forward: all } }",
          "{ web-1: { all: { web-2: { forward: all } } }, web-2: { all: { web-1: { forward: all } } } }",
        ),
        /"web-1" hands on to itself: web-1 > web-2 > web-1/,
      ],
      [
        book("all: { web-1: { forward: all }, more: now }\nmore: { web-1: { forward: some } }"),
        /"web-1" is to hand on to "all" and "some", but can to one only/,
      ],
    ];
    for (const [bad, why] of cases) {
      const target = bad.targets.has("most") ? "all2" : "all";
      assert.throws(() => aims(bad, target), { code: "BAD_TARGET", message: why });
    }
  });

  it("are read with places of what is wrong", () => {
    assert.deepEqual(read(targetsShape, "all:\n  web-1: soon\n  web-2: { aftr: 5m }\n"), [
      '2: `targets.all.web-1` "soon" is neither `now` nor a duration such as 60m',
      '3: "aftr" is not known in `targets.all.web-2`; did you mean `after`?',
    ]);
  });

  it("come from deploy-in-stages' files, words in any order", () => {
    const json = JSON.stringify({
      doc: ["for people"],
      targets: { all: { a: null, b: "all 60", c: "30 quick", d: "15", e: 5 }, quick: { a: "" } },
    });
    const targets = read(disTargetsShape, json, true) as TargetBook["targets"];
    assert.deepEqual(
      [...(targets.get("all") ?? [])].map(([name, member]) => {
        const { at: _, ...rest } = member;
        return [name, rest];
      }),
      [
        ["a", { afterMs: 0 }],
        ["b", { afterMs: 60 * minuteMs, forward: "all" }],
        ["c", { afterMs: 30 * minuteMs, forward: "quick" }],
        ["d", { afterMs: 15 * minuteMs }],
        ["e", { afterMs: 5 * minuteMs }],
      ],
    );
    const bad = '{ "targets": { "all": { "a": "all 60 now" } } }';
    assert.deepEqual(read(disTargetsShape, bad, true), [
      "1: `targets.targets.all.a` says more than a target and minutes to wait",
    ]);
  });
});
