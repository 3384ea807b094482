import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  aimsOf,
  checkRelays,
  dronesOf,
  flatParts,
  partsOf,
  planHash,
  planOfAims,
  readPlan,
  readTargets,
  runOfPart,
  toolBox,
  withRelay,
  type TargetWork,
} from "../../src/index.js";

const commit = "a".repeat(40);
const work: TargetWork = {
  name: "files to all:~/site",
  command: { command: "put-files", commit, path: "~/site" },
  afterMs: 0,
  retries: 4,
  concurrency: 64,
};
const drones = ["dc1-head", "dc2-head", "web-1", "web-2"];
const select = (member: string) => drones.filter((name) => name === member || member === "*");

function aims(text: string, target = "all") {
  const { book, placeOf } = readTargets({ file: "propagit.yaml", text });
  return aimsOf({ book, placeOf, select }, target);
}

const forwarding = `
targets: { all: { dc1-head: now, dc2-head: { forward: all, after: 60m } } }
relays: { dc2-head: { all: { web-1: now, web-2: 30m } } }
`;

describe("a plan over a target", () => {
  it("has a line for each drone, with its own time, and hands a part on behind the files", () => {
    const written = planOfAims(aims(forwarding), work);
    assert.deepEqual(
      written.stages.map(({ name, after, tasks }) => ({ name, after, tasks: tasks.length })),
      [{ name: "each at its time", after: undefined, tasks: 2 }],
    );
    const plan = readPlan({ maker: "test", value: written }, toolBox);
    const [first, line = []] = plan.stages[0]?.lines ?? [];
    assert.deepEqual([first?.[0]?.afterMs, line[0]?.afterMs], [undefined, 60 * 60_000]);
    assert.deepEqual(
      line.map(({ command }) => command),
      ["put-files", "delegate"],
    );
    assert.deepEqual(
      line[0]?.retryDelaysMs,
      [1, 8, 27, 64].map((minutes) => minutes * 60_000),
    );
    const [part] = partsOf("run", plan, toolBox);
    assert.deepEqual([part?.relay, part?.task, part?.parent], ["dc2-head", "1.2.2", "run"]);
    assert.equal(part?.run, runOfPart("run", "1.2.2"));
    // Its times begin when it is handed on.
    assert.deepEqual(
      part?.plan.stages[0]?.lines.map(([task]) => task?.afterMs),
      [undefined, 30 * 60_000],
    );
  });

  it("does not leave anybody out because another cannot be reached", () => {
    const plan = readPlan({ maker: "test", value: planOfAims(aims(forwarding), work) }, toolBox);
    for (const { lines, maxFailures, onFailure } of plan.stages) {
      assert.deepEqual([maxFailures, onFailure], [lines.length, "continue"]);
    }
  });

  it("waits before everything once, and not again in the parts", () => {
    const plan = planOfAims(aims(forwarding), { ...work, afterMs: 10 * 60_000 });
    assert.deepEqual(
      plan.stages.map(({ after }) => after),
      [{ plan: "10m" }],
    );
    const read = readPlan({ maker: "test", value: plan }, toolBox);
    assert.equal(read.stages[0]?.lines[1]?.[0]?.afterMs, 60 * 60_000, "counted from there");
    assert.equal(partsOf("run", read, toolBox)[0]?.plan.stages[0]?.after, undefined);
  });

  it("is another plan when a part of it is", () => {
    const hashOf = (text: string) =>
      planHash(readPlan({ maker: "test", value: planOfAims(aims(text), work) }, toolBox));
    assert.notEqual(hashOf(forwarding), hashOf(forwarding.replace("30m", "31m")));
    assert.equal(hashOf(forwarding), hashOf(forwarding));
  });

  it("hands on what is handed on, each a run of its own", () => {
    const text = `
targets: { all: { dc1-head: { forward: all } } }
relays: { dc1-head: { all: { dc2-head: { forward: all } } }, dc2-head: { all: { web-1: now } } }
`;
    const plan = readPlan({ maker: "test", value: planOfAims(aims(text), work) }, toolBox);
    const parts = flatParts(partsOf("run", plan, toolBox));
    assert.deepEqual(
      parts.map(({ relay }) => relay),
      ["dc1-head", "dc2-head"],
    );
    assert.equal(parts[1]?.parent, parts[0]?.run);
    assert.deepEqual(dronesOf(aims(text)), ["dc1-head", "dc2-head", "web-1"]);
  });

  it("cannot hand on what names no drone, and says where", () => {
    const part = {
      name: "x",
      stages: [{ name: "s", tasks: [{ command: "message", message: "m" }] }],
    };
    const task = { command: "delegate", drone: "dc2-head", plan: part };
    const value = { name: "p", stages: [{ name: "s", tasks: [task] }] };
    assert.throws(() => readPlan({ maker: "test", value }, toolBox), {
      code: "BAD_PLAN",
      message: /has task 1\.1\.1, which names no drone/,
    });
  });
});

describe("a file of targets", () => {
  it("tells circles and unknown targets with their places, all at once", () => {
    const text = `services: { web: whatever }
targets:
  all: { more: now }
  more: { all: now }
  far: { dc2-head: { forward: quikc } }
relays:
  dc2-head: { quick: { web-1: now } }
`;
    assert.throws(() => readTargets({ file: "propagit.yaml", text }), {
      code: "BAD_TARGET",
      message: [
        'propagit.yaml:3:10: target "all" leads to itself: all > more > all',
        'propagit.yaml:4:11: target "more" leads to itself: more > all > more',
        'propagit.yaml:5:10: there is no target "quikc" at dc2-head; did you mean `quick`?',
      ].join("\n  "),
    });
  });

  it("says where a member stands that means no drone", () => {
    assert.throws(() => aims("targets:\n  all: { nobody: now }\n"), {
      code: "BAD_TARGET",
      message: /^propagit\.yaml:2:10: member "nobody" of "all" is no drone/,
    });
  });

  it("may be one of deploy-in-stages for each machine that pushes", () => {
    const top = '{ "targets": { "all": { "dc1-head": null, "dc2-head": "all 60" } } }';
    const own = '{ "targets": { "all": { "web-1": "", "web-2": "30" } } }';
    const first = readTargets({ file: "targets.json", text: top });
    const relay = { relay: "dc2-head", place: "--targets=dc2-head=dc2.json" };
    const all = withRelay(first, relay, readTargets({ file: "dc2.json", text: own }));
    checkRelays(all);
    const [, second] = aimsOf({ ...all, select }, "all");
    assert.equal(second?.afterMs, 3_600_000);
    assert.deepEqual(
      second.forward?.aims.map(({ drone, afterMs }) => [drone, afterMs]),
      [
        ["web-1", 0],
        ["web-2", 1_800_000],
      ],
    );
  });
});

describe("what is said for a relay", () => {
  const head = (member: string, relay = "head") => `targets:
  all: { web-1: now, ${JSON.stringify(member)}: { forward: all } }
relays:
  ${relay}: { all: { web-1: 30m } }
`;
  const read = (text: string) => readTargets({ file: "propagit.yaml", text });
  const message = 'propagit.yaml:4:3: no target forwards to "hed"; did you mean `head`?';

  it("is refused when nothing is handed on to one of that name, with its place", () => {
    const why = { code: "BAD_TARGET", message };
    for (const member of ["head", "head,deep", "/^head$/"]) {
      checkRelays(read(head(member)));
      const wrong = read(head(member, "hed"));
      assert.throws(() => checkRelays(wrong), member === "/^head$/" ? /to "hed"/ : why, member);
    }
    const [top, own] = ["head", "deep"].map((member) =>
      read(head(member).split("relays")[0] ?? ""),
    );
    assert.ok(top && own);
    const place = "--targets=hed=dc2/targets.json";
    assert.throws(() => checkRelays(withRelay(top, { relay: "hed", place }, own)), {
      code: "BAD_TARGET",
      message: `${place}: no target forwards to "hed"; did you mean \`head\`?`,
    });
  });

  it("is the word of a relay below another one, too", () => {
    checkRelays(
      read(`
targets: { all: { head: { forward: all } } }
relays: { head: { all: { deep: { forward: all } } }, deep: { all: { web-1: now } } }
`),
    );
  });

  it("is looked for among the drones where only a selection may mean it", () => {
    const names = ["head", "web-1"];
    const select = (text: string) =>
      names.filter(
        (name) => name === text || text === "*" || (text === "role=head" && name === "head"),
      );
    const [good, wrong] = [head("role=head"), head("role=head", "hed")].map(read);
    assert.ok(good && wrong);
    for (const one of [good, wrong]) checkRelays(one);
    assert.equal(aimsOf({ ...good, select }, "all")[1]?.forward?.aims[0]?.afterMs, 1_800_000);
    assert.throws(() => aimsOf({ ...wrong, select }, "all"), {
      code: "BAD_TARGET",
      message: 'propagit.yaml:4:3: there is no drone "hed"; did you mean `head`?',
    });
  });
});
