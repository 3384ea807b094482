import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { argsOf, checkPlan, planHash, readPlan, type Task } from "../../src/index.js";
import { planOf, planText, stageOf, taskOf } from "../support/reading.js";
import { testCommands } from "../support/test-commands.js";

const taskDefault: Task = {
  id: "1.1.1",
  command: "test_command",
  where: { kind: "engine" },
  args: { message: "Hello World" },
  timeoutMs: 600_000,
  retryDelaysMs: [],
  continueOnFail: false,
  once: false,
};

describe("a plan", () => {
  it("may be what the seed's first generator returned", () => {
    const seed = {
      name: "Test Generator",
      stages: [
        {
          name: "Test stage",
          concurrency: 1,
          tasks: [{ command: "test_command", message: "Hello World" }],
        },
      ],
    };
    const plan = {
      name: "Test Generator",
      stages: [
        {
          name: "Test stage",
          concurrency: 1,
          concurrencyPerHost: 1,
          gates: [],
          maxFailures: 0,
          onFailure: "stop",
          lines: [[taskDefault]],
        },
      ],
    };
    assert.deepEqual(planOf(JSON.stringify(seed), "tasklist.json"), plan);
    assert.deepEqual(readPlan({ maker: "TestGenerator", value: seed }, testCommands), plan);
  });

  it("is JSON or YAML by the name of its file, else by its first letter", () => {
    const yaml = "{ name: a, stages: [] }";
    const json = '{ "name": "a", "stages": [] }';
    const plan = { name: "a", stages: [] };
    assert.deepEqual(planOf(yaml, "a.yml"), plan);
    assert.deepEqual(planOf(json, "a.json"), plan);
    assert.deepEqual(planOf(json, "-"), plan);
    assert.deepEqual(planOf("name: a\nstages: []", "-"), plan);
    assert.throws(() => planOf(yaml, "a.json"), /a\.json:1:3: is not JSON/);
    assert.throws(() => planOf(yaml, "-"), /-:1:3: is not JSON/);
  });

  it("knows what it was made from, where its commands come from, and what puts it back", () => {
    const commit = "74336bc0".repeat(5);
    const plan = planOf(`
      name: a
      basis: { revisions: { "route webapp/production": 7 }, at: 1700000000000 }
      code: { repo: deploys, commit: ${commit} }
      stages: [{ name: there, tasks: [{ command: remove, path: /a }, { command: remove, path: /b }] }]
      rollback: { stages: [{ name: back, tasks: [{ command: execute, run: restore }] }] }
    `);
    assert.deepEqual(plan.basis, {
      revisions: { "route webapp/production": 7 },
      at: 1_700_000_000_000,
    });
    assert.deepEqual(plan.code, { repo: "deploys", commit });
    assert.deepEqual(
      plan.rollback?.map((stage) => [stage.name, stage.lines[0]?.[0]?.id]),
      [["back", "2.1.1"]],
    );
  });

  it("throws all that is wrong with it as one error", () => {
    const read = () =>
      readPlan({ file: "p.yaml", text: "nam: a\nstages: [{ tasks: [{}] }]" }, testCommands);
    assert.throws(read, (thrown) => {
      assert.ok(thrown instanceof PropagitError);
      assert.equal(thrown.code, "BAD_PLAN");
      assert.deepEqual(thrown.message.split("\n  "), [
        'p.yaml:1:1: "nam" is not known here; did you mean `name`?',
        "p.yaml:1:1: it has no `name`",
        "p.yaml:2:10: `stages[0]` has no `name`",
        "p.yaml:2:20: `stages[0].tasks[0]` has no `command`",
      ]);
      return true;
    });
  });
});

describe("a stage", () => {
  const four =
    "tasks: [{ command: remove, path: /a }, { command: remove, path: /b }, { command: remove, path: /c }, { command: remove, path: /d }]";

  it("has limits as numbers or parts of its lines, rounded up to at least one", () => {
    const limits = (...lines: readonly string[]) => {
      const { concurrency, concurrencyPerHost, maxFailures } = stageOf(...lines, four);
      return [concurrency, concurrencyPerHost, maxFailures];
    };
    assert.deepEqual(limits(), [1, 1, 0]);
    assert.deepEqual(limits("concurrency: 3"), [3, 3, 0]);
    assert.deepEqual(limits("concurrency: 3", "concurrencyPerHost: 2"), [3, 2, 0]);
    assert.deepEqual(limits("concurrency: 30%", "concurrencyPerHost: 1%"), [2, 1, 0]);
    assert.deepEqual(limits("concurrency: 100%", "maxFailures: 1"), [4, 4, 1]);
    assert.deepEqual(limits("maxFailures: 49%"), [1, 1, 1], "what may fail is rounded down");
  });

  it("waits from the end of the one before, or from the beginning of the plan", () => {
    assert.deepEqual(stageOf("after: 60m").after, { ms: 3_600_000, from: "stage" });
    assert.deepEqual(stageOf("after: { stage: 1d }").after, { ms: 86_400_000, from: "stage" });
    assert.deepEqual(stageOf("after: { plan: 60m }").after, { ms: 3_600_000, from: "plan" });
  });

  it("says what becomes of the plan when it fails", () => {
    assert.equal(stageOf("onFailure: rollback").onFailure, "rollback");
    assert.equal(stageOf("onFailure: continue").onFailure, "continue");
  });

  it("has lines of one task or of several, which have their places as ids", () => {
    const task = (path: string) => `{ command: remove, path: ${path} }`;
    const { lines } = stageOf(
      `tasks: [${task("/a")}, [${task("/a")}, ${task("/b")}], [${task("/c")}]]`,
    );
    const ids = lines.map((line) => line.map(({ id, args }) => `${id} ${String(args["path"])}`));
    assert.deepEqual(ids, [["1.1.1 /a"], ["1.2.1 /a", "1.2.2 /b"], ["1.3.1 /c"]]);
  });
});

describe("a gate", () => {
  const gates = (gate: string) => stageOf(`gate: ${gate}`).gates;

  it("waits for people, for hours of the week, for answers", () => {
    assert.deepEqual(gates("{ approval: true }"), [{ kind: "approval" }]);
    assert.deepEqual(gates("{ approval: [ann, bob], timeout: 1d }"), [
      { kind: "approval", by: ["ann", "bob"], timeoutMs: 86_400_000 },
    ]);
    assert.deepEqual(
      gates('{ window: { days: mon-fri, from: "09:00", to: "17:30", timeZone: Europe/Berlin } }'),
      [
        {
          kind: "window",
          window: {
            days: [1, 2, 3, 4, 5],
            fromMinute: 540,
            toMinute: 1_050,
            timeZone: "Europe/Berlin",
          },
        },
      ],
    );
    assert.deepEqual(gates('{ window: { days: "sat-mon,wed", timeZone: UTC } }'), [
      {
        kind: "window",
        window: { days: [1, 3, 6, 7], fromMinute: 0, toMinute: 1_440, timeZone: "UTC" },
      },
    ]);
    assert.deepEqual(
      gates("[{ http: https://a.example/up }, { http: http://b, status: [200, 204] }]"),
      [
        {
          kind: "http",
          url: "https://a.example/up",
          status: [200],
          everyMs: 10_000,
          timeoutMs: 600_000,
        },
        { kind: "http", url: "http://b", status: [200, 204], everyMs: 10_000, timeoutMs: 600_000 },
      ],
    );
  });

  it("asks a command, which has an id of its own", () => {
    const [gate] = gates(
      "{ command: { command: execute, run: [check], timeout: 3s }, exit: 2, every: 1m }",
    );
    assert.deepEqual(gate, {
      kind: "command",
      task: {
        ...taskDefault,
        id: "1.gate1",
        command: "execute",
        args: { run: ["check"], wait: "10s" },
        timeoutMs: 3_000,
      },
      exit: 2,
      everyMs: 60_000,
      timeoutMs: 600_000,
    });
  });

  it("looks at what runs, at canaries, at errors", () => {
    const times = { everyMs: 10_000, timeoutMs: 600_000 };
    const repo = { repo: "webapp", environment: "production" };
    assert.deepEqual(gates("{ health: webapp }"), [
      { kind: "health", ...repo, readyPercent: 100, forMs: 0, ...times },
    ]);
    assert.deepEqual(
      gates("{ health: webapp, environment: staging, service: web, ready: 90%, for: 1m }"),
      [
        {
          kind: "health",
          repo: "webapp",
          environment: "staging",
          service: "web",
          readyPercent: 90,
          forMs: 60_000,
          ...times,
        },
      ],
    );
    assert.deepEqual(gates("{ canary: webapp }"), [
      { kind: "canary", ...repo, everyMs: 10_000, timeoutMs: 86_400_000 },
    ]);
    assert.deepEqual(gates("{ errors: webapp, max: 1% }"), [
      {
        kind: "errors",
        ...repo,
        maxPercent: 1,
        overMs: 300_000,
        everyMs: 10_000,
        timeoutMs: 3_600_000,
      },
    ]);
  });
});

describe("a task", () => {
  it("is done by the engine, on a drone, or on a host behind ssh", () => {
    assert.deepEqual(taskOf("{ command: test_command, message: Hello World }"), taskDefault);
    const at = (place: string) => taskOf(`{ command: remove, path: /a, ${place} }`).where;
    assert.deepEqual(at("drone: web-1"), { kind: "drone", drone: "web-1" });
    assert.deepEqual(at("host: deploy@fe001"), { kind: "host", host: "deploy@fe001" });
  });

  it("is tried again after 1, 8, 27 … minutes, or as it says", () => {
    const delays = (retries: string) =>
      taskOf(`{ command: remove, path: /a, retries: ${retries} }`).retryDelaysMs;
    assert.deepEqual(delays("4"), [60_000, 480_000, 1_620_000, 3_840_000]);
    assert.deepEqual(delays("[1s, 1m]"), [1_000, 60_000]);
    assert.deepEqual(delays("0"), []);
  });

  it("has what its command says where it says nothing", () => {
    assert.equal(taskOf("{ command: remove, path: /a }").timeoutMs, 60_000);
    assert.equal(taskOf("{ command: remove, path: /a, timeout: 1h }").timeoutMs, 3_600_000);
    assert.equal(taskOf("{ command: notify, text: hi }").once, true);
    assert.equal(taskOf("{ command: notify, text: hi, once: false }").once, false);
  });

  it("keeps its arguments as they are written, with every default", () => {
    const { args } = taskOf(
      "{ command: everything, size: 512M, env: { A: 1.10, B: 2 }, source: { file: /a } }",
    );
    assert.deepEqual(args, {
      size: "512M",
      env: { A: "1.10", B: 2 },
      source: { file: "/a", mode: "0644" },
      force: true,
    });
  });

  it("has what takes it back in it, checked, on the same host unless that says another", () => {
    const link = "command: symlink, from: /current, to: /releases/2";
    const back = { timeoutMs: 60_000, retryDelaysMs: [], continueOnFail: false, once: false };
    assert.deepEqual(taskOf(`{ ${link}, drone: web-1 }`).undo, [
      {
        command: "remove",
        where: { kind: "drone", drone: "web-1" },
        args: { path: "/current", kind: "file" },
        ...back,
      },
    ]);
    assert.deepEqual(taskOf(`{ ${link}, before: /releases/1, host: fe001 }`).undo, [
      {
        command: "symlink",
        where: { kind: "drone", drone: "elsewhere" },
        args: { from: "/current", to: "/releases/1" },
        ...back,
        timeoutMs: 600_000,
      },
    ]);
  });

  it("gives its command what that takes", () => {
    const command = testCommands.get("everything");
    assert.ok(command);
    const { args } = taskOf("{ command: everything, count: 3 }");
    assert.deepEqual(
      argsOf(command, args),
      new Map<string, unknown>([
        ["count", 3],
        ["force", true],
      ]),
    );
    assert.throws(
      () => argsOf(command, { count: "many" }),
      (thrown) => {
        assert.ok(thrown instanceof PropagitError && thrown.code === "BAD_PLAN");
        assert.match(thrown.message, /^task everything: `count` "many" is not a whole number/);
        return true;
      },
    );
  });
});

describe("the hash of a plan", () => {
  const written = planText(["tasks: [{ command: execute, drone: web-1, run: [a] }]"]);

  it("is the same however it was written, and whenever it was made", () => {
    const other = {
      stages: [
        {
          tasks: [
            [{ wait: "10s", run: ["a"], timeout: "10m", drone: "web-1", command: "execute" }],
          ],
          concurrency: "100%",
          name: "one",
        },
      ],
      name: "a",
    };
    const hash = planHash(planOf(written));
    assert.equal(planHash(planOf(JSON.stringify(other), "a.json")), hash);
    const at = (at: number) => planHash({ ...planOf(written), basis: { revisions: { a: 1 }, at } });
    assert.equal(at(1), at(2));
    assert.match(hash, /^[0-9a-f]{64}$/);
  });

  it("is another when anything is", () => {
    const changes = [
      "web-2",
      "[b]",
      "execute, timeout: 1s",
      "execute, wait: 11s",
      "execute, once: true",
    ];
    const texts = [
      written,
      written.replace("web-1", changes[0] ?? ""),
      written.replace("[a]", changes[1] ?? ""),
      ...changes.slice(2).map((change) => written.replace("execute", change)),
      written.replace("name: a", "name: b"),
      `${written}basis: { revisions: { a: 1 }, at: 0 }\n`,
      `${written}basis: { revisions: { a: 2 }, at: 0 }\n`,
      `${written}rollback: { stages: [] }\n`,
    ];
    assert.equal(new Set(texts.map((text) => planHash(planOf(text)))).size, texts.length);
  });
});

it("a plan that is a value is checked as one that is a text", () => {
  const checked = checkPlan({ maker: "generator aurora", value: { name: "a" } }, testCommands);
  assert.deepEqual(checked, {
    ok: false,
    problems: [{ file: "generator aurora", line: 0, column: 0, message: "it has no `stages`" }],
  });
});
