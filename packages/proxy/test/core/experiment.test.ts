/** Promise 9: who is in which variant, and that he stays there; measured over 100,000 visitors. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Experiment } from "@propagit/protocol";
import { assignVisitor, readyExperiments, type Assignment } from "../../src/core/experiment.js";
import { seedOf } from "../../src/core/hash.js";
import { drawShare } from "../../src/core/split.js";
import { Variant } from "../../src/core/variant.js";
import {
  ask,
  forwarded,
  portOf,
  requestTo,
  tableOf,
  visitorNumber,
  type Given,
} from "../support/decisions.js";
import { commitA, commitB, commitC, endpointOf, routeOf } from "../support/samples.js";

const seeds = Array.from({ length: 100_000 }, (_, n) => seedOf(`visitor-${n}`, "webapp"));
const nobody = { version: 0, services: () => undefined, knownNames: () => [] };
const variants = new Map(
  [commitA, commitB, commitC].map((commit) => [
    commit,
    new Variant(nobody, { commit, weight: 1, drawKey: commit }),
  ]),
);

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly out?: string;
}

function assignAll(experiments: readonly Experiment[], { headers = {}, out }: Asked = {}) {
  const ready = readyExperiments(experiments, ({ commit }) => variants.get(commit ?? ""));
  const request = requestTo("webapp", { headers });
  return seeds.map((seed) =>
    assignVisitor(ready, request, seed, (variant) => variant.commit !== out),
  );
}

function experiment(name: string, weights: Readonly<Record<string, number>>): Experiment {
  const variants = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  return { name, variants };
}

const partOf = (all: readonly Assignment[], label: string) =>
  all.filter((one) => one.label === label).length / all.length;

describe("an experiment", () => {
  it("divides visitors as its weights say, within 1 % of 100,000", () => {
    const all = assignAll([experiment("colour", { red: 70, blue: 25, green: 5 })]);
    assert.ok(Math.abs(partOf(all, "colour=red") - 0.7) < 0.01);
    assert.ok(Math.abs(partOf(all, "colour=blue") - 0.25) < 0.01);
    assert.ok(Math.abs(partOf(all, "colour=green") - 0.05) < 0.01);
  });

  it("keeps everybody where he is, whatever order its variants are told in", () => {
    const all = assignAll([experiment("colour", { red: 1, blue: 1, green: 1 })]);
    assert.deepEqual(assignAll([experiment("colour", { green: 1, red: 1, blue: 1 })]), all);
  });

  it("moves only those whom a raised weight wins", () => {
    const weight = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(weight, weight, weight, (red, blue, more) => {
        const before = assignAll([experiment("colour", { red, blue })]);
        const after = assignAll([experiment("colour", { red, blue: blue + more })]);
        const moved = before.filter((one, at) => one.label !== after[at]?.label);
        assert.ok(moved.every(({ label }) => label === "colour=red"));
        const expected = (blue + more) / (red + blue + more) - blue / (red + blue);
        assert.ok(Math.abs(moved.length / seeds.length - expected) < 0.01);
      }),
      { seed: 5, numRuns: 5 },
    );
  });

  it("moves the new 5 % and nobody else when 5 % becomes 10 %", () => {
    const before = assignAll([experiment("colour", { old: 95, new: 5 })]);
    const after = assignAll([experiment("colour", { old: 90, new: 10 })]);
    const moved = before.filter((one, at) => one.label !== after[at]?.label).length;
    assert.ok(Math.abs(moved / seeds.length - 0.05) < 0.005, `${moved}`);
  });

  it("is independent of another one, and of the shares", () => {
    const [one, other] = ["colour", "price"].map((name) =>
      assignAll([experiment(name, { a: 1, b: 1 })]),
    );
    const shares = [commitA, commitB].map((commit) => ({
      commit,
      weight: 1,
      drawSeed: seedOf(commit),
    }));
    assert.ok(one && other);
    const isA = (all: readonly Assignment[], at: number) => all[at]?.label?.endsWith("=a") === true;
    const same = seeds.filter((_, at) => isA(one, at) === isA(other, at)).length;
    const sameShare = seeds.filter(
      (seed, at) => isA(one, at) === (drawShare(shares, seed)?.commit === commitA),
    ).length;
    // Binomial with 100,000 and a half: its deviation is 158; four of them.
    assert.ok(Math.abs(same - 50_000) < 640, `${same}`);
    assert.ok(Math.abs(sameShare - 50_000) < 640, `${sameShare}`);
  });

  it("gives a variant that nobody serves nothing, and moves only its visitors", () => {
    const experiments: Experiment[] = [
      {
        name: "engine",
        variants: [
          { name: "old", weight: 50, commit: commitA },
          { name: "new", weight: 30, commit: commitB },
          { name: "newer", weight: 20, commit: commitC },
        ],
      },
    ];
    const all = assignAll(experiments);
    const without = assignAll(experiments, { out: commitC });
    assert.equal(partOf(without, "engine=newer"), 0);
    assert.ok(
      all.every((one, at) => one.label === "engine=newer" || one.label === without[at]?.label),
    );
    assert.ok(Math.abs(partOf(without, "engine=old") - 5 / 8) < 0.01);
    assert.ok(without.every(({ serves }) => serves !== undefined));
  });
});

describe("rules in front of an experiment", () => {
  const beta: Experiment = {
    name: "beta",
    variants: [
      { name: "off", weight: 1 },
      { name: "on", weight: 0 },
    ],
    rules: [
      { when: { header: { name: "X-Country", values: ["DE", "AT"] } }, variant: "on" },
      { when: { cookie: { name: "staff" }, percent: 30 }, variant: "on" },
    ],
  };

  it("reach a variant of weight 0, which the draw never does", () => {
    assert.equal(partOf(assignAll([beta]), "beta=on"), 0);
    assert.equal(partOf(assignAll([beta], { headers: { "x-country": "AT" } }), "beta=on"), 1);
    assert.equal(partOf(assignAll([beta], { headers: { "x-country": "CH" } }), "beta=on"), 0);
  });

  it("can mean a percentage, of the same visitors always", () => {
    const headers = { cookie: "a=b; staff=1" };
    const all = assignAll([beta], { headers });
    assert.ok(Math.abs(partOf(all, "beta=on") - 0.3) < 0.01);
    const raised = assignAll(
      [
        {
          ...beta,
          rules: [{ when: { cookie: { name: "staff" }, percent: 60 }, variant: "on" }],
        },
      ],
      { headers },
    );
    const left = all.filter(
      (one, at) => one.label === "beta=on" && raised[at]?.label !== "beta=on",
    );
    assert.equal(left.length, 0);
    assert.ok(Math.abs(partOf(raised, "beta=on") - 0.6) < 0.01);
  });

  it("decide for the first that holds, and leave it to the draw when nobody serves that", () => {
    const experiments: Experiment[] = [
      {
        name: "engine",
        variants: [
          { name: "old", weight: 1, commit: commitA },
          { name: "new", weight: 0, commit: commitB },
        ],
        rules: [{ when: { header: { name: "x-try" } }, variant: "new" }],
      },
    ];
    const headers = { "x-try": "" };
    assert.equal(partOf(assignAll(experiments, { headers }), "engine=new"), 1);
    assert.equal(partOf(assignAll(experiments, { headers, out: commitB }), "engine=old"), 1);
  });

  it("keep those out whom the audience does not mean", () => {
    const audience = { header: { name: "x-plan", values: ["pro"] }, percent: 50 };
    const some = { ...experiment("price", { low: 1, high: 1 }), audience };
    assert.ok(assignAll([some]).every(({ label }) => label === undefined));
    const all = assignAll([some], { headers: { "x-plan": "pro" } });
    const inside = all.filter(({ label }) => label !== undefined).length / all.length;
    assert.ok(Math.abs(inside - 0.5) < 0.01);
    // Being in it says nothing about which variant it is.
    assert.ok(Math.abs(partOf(all, "price=low") - 0.25) < 0.01);
  });
});

describe("several experiments", () => {
  const engine = (name: string, since: number, commit: string): Experiment => ({
    name,
    since,
    variants: [
      { name: "off", weight: 1 },
      { name: "on", weight: 1, commit },
    ],
  });

  it("are told to the app together", () => {
    const all = assignAll([experiment("a", { x: 1 }), experiment("b", { y: 1 })]);
    assert.ok(all.every(({ label }) => label === "a=x, b=y"));
  });

  it("that name a commit for one visitor: the first decides, and he is not in the other", () => {
    const all = assignAll([engine("later", 2, commitB), engine("first", 1, commitA)]);
    assert.deepEqual(
      [...new Set(all.map(({ label, serves }) => `${label} ${serves?.commit[0] ?? "-"}`))].sort(),
      ["first=off, later=off -", "first=off, later=on b", "first=on a", "first=on, later=off a"],
    );
  });
});

describe("a route with experiments", () => {
  const given: Given = {
    routes: [
      {
        ...routeOf([commitA, 1]),
        experiments: [
          {
            name: "engine",
            variants: [
              { name: "old", weight: 1 },
              { name: "new", weight: 1, commit: commitB },
            ],
          },
        ],
      },
    ],
    endpoints: [endpointOf(1), endpointOf(2, { commit: commitB })],
  };

  it("sends visitors where their variant says, and tells the app", () => {
    const table = tableOf(given);
    const seen = new Map<string | undefined, number>();
    for (let number = 0; number < 200; number++) {
      const headers = { cookie: visitorNumber(number) };
      const decision = forwarded(ask(table, "webapp.localhost", { headers }));
      seen.set(decision.label, portOf(decision));
      assert.equal(decision.requestEdits.lines, `x-propagit-variant: ${decision.label}\r\n`);
      assert.ok(decision.requestEdits.dropped.has("x-propagit-variant"));
      assert.equal(decision.how, decision.label === "engine=new" ? "experiment" : "shares");
    }
    assert.deepEqual(Object.fromEntries(seen), { "engine=old": 1, "engine=new": 2 });
  });

  it("gives a new visitor the cookie that keeps him there", () => {
    const decision = forwarded(ask(given));
    assert.match(decision.answerEdits.lines, /Set-Cookie: propagit-visitor=/);
  });
});
