import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { object, orJust, text } from "@propagit/shapes";
import { checkPlan, commonKeys, whyNoCommand, type Command } from "../../src/index.js";
import { planOf, planText, refusalOf, stageRefusal, taskRefusal } from "../support/reading.js";
import { testCommand, testCommands } from "../support/test-commands.js";

type Refusals = readonly (readonly [written: string, says: RegExp])[];

describe("what a plan cannot say", () => {
  const wholes: Refusals = [
    ["", /^1:1: it is empty, not a map$/],
    ["[]", /^1:1: it is a list, not a map$/],
    ["name: a", /^1:1: it has no `stages`$/],
    ["stages: []", /^1:1: it has no `name`$/],
    ["{ name: '', stages: [] }", /`name` "" is empty/],
    ["{ name: ' ', stages: [] }", /`name` " " is not a name: one line/],
    ['{ name: "a\\nb", stages: [] }', /is not a name: one line/],
    ["{ name: 1.0, stages: [] }", /is not text; put it in quotes: "1\.0"/],
    ["{ name: a, stages: {} }", /`stages` is a map, not a list/],
    ["{ name: a, stages: [a] }", /`stages\[0\]` is text, not a map/],
    ["{ name: a, stages: [], stage: [] }", /"stage" is not known here; did you mean `stages`\?/],
    ["{ name: a, stages: [], stages: [] }", /"stages" is here twice/],
    ["{ name: a, stages: [], basis: {} }", /`basis` has no `revisions`/],
    ["{ name: a, stages: [], basis: { revisions: { a: -1 }, at: 0 } }", /`basis.revisions.a` "-1"/],
    [
      "{ name: a, stages: [], code: { repo: ../a, commit: main } }",
      /repository name "\.\.\/a" is not/,
    ],
    [
      "{ name: a, stages: [], code: { repo: a, commit: main } }",
      /"main" is not a full commit hash/,
    ],
    ["{ name: a, stages: [], rollback: [] }", /`rollback` is a list, not a map/],
    [
      "{ name: a, stages: [], rollback: { stages: [{ name: b }] } }",
      /`rollback.stages\[0\]` has no `tasks`/,
    ],
    [
      "{ name: a, stages: [{ name: b, tasks: [] }, { name: b, tasks: [] }] }",
      /^1:45: there is a stage "b" before$/,
    ],
    [
      "{ name: a, stages: [{ name: b, tasks: [] }], rollback: { stages: [{ name: b, tasks: [] }] } }",
      /there is a stage "b" before/,
    ],
    ["name: a\nstages: [", /^2:\d+: is not YAML/],
    ["name: a\n---\nname: b", /is not YAML/],
    ["name: &a [*a]", /nested too deeply/],
  ];
  for (const [written, says] of wholes) {
    it(`refuses ${JSON.stringify(written)}`, () => assert.match(refusalOf(written), says));
  }

  const stages: Refusals = [
    ["tasks: {}", /^5:12: `stages\[0\]\.tasks` is a map, not a list$/],
    ["tasks: [[]]", /`stages\[0\]\.tasks\[0\]` is an empty list/],
    ["tasks: [execute]", /`stages\[0\]\.tasks\[0\]` is text, not a task/],
    ["concurrency: 0", /`stages\[0\]\.concurrency` "0" is not a number from 1, or a percentage/],
    ["concurrency: 0%", /is not a number from 1, or a percentage such as 25%/],
    ["concurrency: 101%", /is not a number from 1/],
    ["concurrency: 1.5", /is not a number from 1/],
    ["concurrency: -1", /is not a number from 1/],
    ["concurrency: many", /is not a number from 1/],
    ["concurrency: 200000", /is not a number from 1/],
    [
      "concurrency_per_host: 1",
      /"concurrency_per_host" is not known .* did you mean `concurrencyPerHost`/,
    ],
    ["maxFailures: -1", /is not a number from 0, or a percentage/],
    ["onFailure: rolback", /is not one of stop, rollback, continue; did you mean `rollback`/],
    ["after: 60", /"60" has no unit; write 60s/],
    ["after: 100d", /is longer than 92d/],
    ["after: { plan: 1m, stage: 1m }", /`stages\[0\]\.after` has either `plan` or `stage`/],
    ["after: {}", /has either `plan` or `stage`/],
    ["gate: { aproval: true }", /has none of `approval`, .*; did you mean `approval`\?/],
    ["gate: { approval: true, http: 'http://a' }", /has both `approval` and `http`/],
    ["gate: approval", /`stages\[0\]\.gate` is text, not a map/],
    ["gate: { approval: false }", /is false; leave the gate out, or say true/],
    ["gate: { approval: true, every: 5s }", /"every" is not known/],
    ["gate: { http: up }", /"up" is not an URL such as https/],
    ["gate: { http: 'https://me:pass@a.example/up' }", /has a user or password in it/],
    ["gate: { http: 'https://a', status: 20 }", /is not a whole number from 100 to 599/],
    ["gate: { http: 'https://a', every: 1ms }", /is shorter than 100ms/],
    [
      "gate: { command: { command: execut, run: a } }",
      /there is no command "execut"; did you mean `execute`/,
    ],
    [
      "gate: { command: { command: execute, run: a, retries: 1 } }",
      /"retries" is not known in `stages\[0\]\.gate\.command`/,
    ],
    [
      "gate: { command: { command: notify, text: a } }",
      /`notify` is done only once; a gate asks again/,
    ],
    ["gate: { command: execute }", /`stages\[0\]\.gate\.command` is text, not a task/],
    ["gate: { health: web/app }", /repository name "web\/app" is not allowed/],
    ["gate: { health: webapp, ready: 101% }", /is not a percentage such as 20%/],
    ["gate: { health: webapp, service: a/b }", /service name "a\/b" is not allowed/],
    ["gate: { canary: webapp, environment: Prod }", /"Prod" is not an environment's name/],
    ["gate: { errors: webapp }", /`stages\[0\]\.gate` has no `max`/],
    ["gate: { window: { days: mon-fri } }", /`stages\[0\]\.gate\.window` has no `timeZone`/],
    [
      "gate: { window: { days: workdays, timeZone: UTC } }",
      /is not days such as mon-fri or sat,sun/,
    ],
    ["gate: { window: { from: 9, timeZone: UTC } }", /"9" is not a time from "00:00" to "24:00"/],
    ['gate: { window: { from: "24:01", timeZone: UTC } }', /is not a time from/],
    ['gate: { window: { from: "09:00", to: "09:00", timeZone: UTC } }', /ends when it begins/],
    ["gate: { window: { timeZone: Mars/Phobos } }", /is no time zone that is known here/],
  ];
  for (const [line, says] of stages) {
    it(`refuses a stage with ${line}`, () => assert.match(stageRefusal(line), says));
  }

  const tasks: Refusals = [
    ["{}", /^5:13: `stages\[0\]\.tasks\[0\]` has no `command`$/],
    ["{ command: [a] }", /`stages\[0\]\.tasks\[0\]\.command` is a list, not a name/],
    ["{ command: 5 }", /is not text; put it in quotes/],
    [
      "{ command: exceute, run: a }",
      /^5:24: there is no command "exceute"; did you mean `execute`\?$/,
    ],
    ["{ command: execute }", /`stages\[0\]\.tasks\[0\]` has no `run`/],
    ["{ command: execute, run: [] }", /`stages\[0\]\.tasks\[0\]\.run` is an empty list/],
    ["{ command: execute, run: a, timout: 5s }", /"timout" is not known .* did you mean `timeout`/],
    ["{ command: execute, run: a, wiat: 5s }", /"wiat" is not known .* did you mean `wait`/],
    ["{ command: execute, run: a, remote_host: b }", /"remote_host" is not known/],
    ["{ command: execute, run: a, timeout: 0s }", /is shorter than 1ms/],
    ["{ command: execute, run: a, drone: a/b }", /drone name "a\/b" is not allowed/],
    ["{ command: execute, run: a, host: -oProxyCommand=x }", /is not a host such as deploy@fe001/],
    ["{ command: execute, run: a, host: a@-x }", /is not a host such as/],
    ["{ command: execute, run: a, drone: a, host: b }", /has both `drone` and `host`/],
    ["{ command: execute, run: a, retries: 11 }", /is not a whole number from 0 to 10/],
    [
      "{ command: execute, run: a, retries: [1] }",
      /`stages\[0\]\.tasks\[0\]\.retries\[0\]` "1" has no unit/,
    ],
    [
      "{ command: execute, run: a, retries: 1, once: true }",
      /is done only `once`, so it cannot have `retries`/,
    ],
    [
      "{ command: notify, text: a, retries: 1 }",
      /is done only `once`, so it cannot have `retries`/,
    ],
    ["{ command: execute, run: a, continueOnFail: 1 }", /is neither true nor false/],
    ["{ command: execute, run: a, run: b }", /"run" is here twice/],
    ["{ command: remove, path: a }", /`stages\[0\]\.tasks\[0\]\.path` "a" is not a path/],
  ];
  for (const [task, says] of tasks) {
    it(`refuses a task ${task}`, () => assert.match(taskRefusal(task), says));
  }
});

describe("mistakes of the ancestors", () => {
  it("are not made: what a command needs is missed before anything starts, of every task at once", () => {
    const said = stageRefusal(
      "tasks:",
      "  - command: execute",
      "  - - command: remove",
      "    - command: test_command",
      "      optional_argument: a",
    );
    assert.deepEqual(said.split("\n"), [
      "6:9: `stages[0].tasks[0]` has no `run`",
      "7:11: `stages[0].tasks[1][0]` has no `path`",
      "8:11: `stages[0].tasks[1][1]` has no `message`",
    ]);
  });

  it("are not made: nothing but a command can be called, whatever else has a name", () => {
    for (const name of ["constructor", "__proto__", "toString", "readPlan", "eval", "get", "has"]) {
      assert.match(
        taskRefusal(`{ command: ${name}, run: a }`),
        new RegExp(`there is no command "${name}"`),
      );
    }
  });

  it("are not made: a task that is there twice is refused, not dropped; in one list it is done twice", () => {
    const task = "{ command: execute, run: a, drone: web-1 }";
    assert.match(
      stageRefusal(`tasks: [${task}, { command: remove, path: /a }, ${task}]`),
      /^5:\d+: `stages\[0\]\.tasks\[2\]` is the same as `stages\[0\]\.tasks\[0\]`, at the same time/,
    );
    assert.equal(planOf(planText([`tasks: [[${task}, ${task}]]`])).stages[0]?.lines[0]?.length, 2);
  });

  it("are not made: a key that a stage does not have is refused", () => {
    assert.match(
      stageRefusal("tsks: []"),
      /"tsks" is not known in `stages\[0\]`; did you mean `tasks`/,
    );
    assert.match(stageRefusal("__proto__: []"), /"__proto__" is not known/);
  });
});

describe("what generators return", () => {
  it("is refused by its path", () => {
    const value = (task: unknown) => ({ name: "a", stages: [{ name: "b", tasks: [task] }] });
    assert.equal(
      refusalOf({ value: value({ command: "remove", path: () => "/a" }) }),
      "generator: `stages[0].tasks[0].path` is a function, which no document can say",
    );
    assert.equal(
      refusalOf({ value: value({ command: "remove", path: undefined }) }),
      "generator: `stages[0].tasks[0]` has no `path`",
    );
    assert.equal(
      refusalOf({ value: undefined }),
      "generator: it is undefined, which no document can say",
    );
  });
});

describe("a command", () => {
  const refused = (parts: Partial<Command>) =>
    whyNoCommand({ ...testCommand({ name: "a", args: object({}) }), ...parts });

  it("has a name in small letters, arguments of an object, and no word that every task has", () => {
    for (const command of testCommands.values()) assert.equal(whyNoCommand(command), undefined);
    assert.match(refused({ name: "Do It" }) ?? "", /has a name that is not small letters/);
    assert.match(refused({ args: text() }) ?? "", /`args` that are not made of `object/);
    assert.match(
      refused({ args: orJust(object({ a: text() }), "a") }) ?? "",
      /not made of `object/,
    );
    for (const key of commonKeys) {
      assert.match(
        refused({ args: object({ [key]: text() }) }) ?? "",
        new RegExp(`has an argument \`${key}\`, which every task has`),
      );
    }
  });

  it("whose way back cannot be is told so where it is used", () => {
    const broken = testCommand({
      name: "broken",
      args: object({}),
      undo: () => [{ command: "remove", paht: "/a" }],
    });
    const commands = new Map<string, Command>([...testCommands, ["broken", broken]]);
    const text = planText(["tasks: [{ command: broken }]"]);
    const checked = checkPlan({ file: "a", text }, commands);
    assert.ok(!checked.ok);
    assert.equal(
      checked.problems[0]?.message,
      '`stages[0].tasks[0]`: what takes back `broken` "paht" is not known here; did you mean `path`?',
    );
  });
});

describe("what is made to hurt", () => {
  const task = (index: number) => ({ command: "remove", path: `/${index}` });
  const many = (count: number) => Array.from({ length: count }, (_, index) => task(index));

  it("is bounded: long texts, deep arguments, more tasks or stages than are possible", () => {
    const long = `#${"a".repeat(1024 ** 2)}`;
    assert.match(refusalOf(long), /^1:1: is longer than 1.0 MiB; as JSON, a plan may have 64 MiB/);
    assert.match(refusalOf(" ".repeat(64 * 1024 ** 2 + 1), "a.json"), /is longer than 64 MiB/);
    assert.match(refusalOf("[".repeat(1_000_000), "a.json"), /nested too deeply/);
    const two = { name: "a", stages: ["b", "c"].map((name) => ({ name, tasks: many(50_001) })) };
    assert.match(
      refusalOf(JSON.stringify(two), "a.json"),
      /^1:1: has 100002 tasks; at most 100000/,
    );
    const one = { name: "a", stages: [{ name: "b", tasks: many(100_001) }] };
    assert.match(refusalOf(JSON.stringify(one), "a.json"), /has more than 100000 entries/);
  });

  it("is told within bounds: as many mistakes as a plan can have", () => {
    const wrong = {
      name: "a",
      stages: [{ name: "b", tasks: many(20_000).map(() => ({ command: "x" })) }],
    };
    assert.equal(refusalOf(JSON.stringify(wrong), "a.json").split("\n").length, 1_000);
  });
});

it("10,000 tasks are read in a second of a processor", () => {
  const tasks = Array.from({ length: 10_000 }, (_, index) => ({
    command: "symlink",
    from: "/current",
    to: `/releases/${index}`,
    drone: `web-${index}`,
    timeout: "10s",
    retries: 3,
  }));
  const text = JSON.stringify({ name: "a", stages: [{ name: "b", concurrency: "5%", tasks }] });
  planOf(text, "warm.json");
  const before = process.cpuUsage();
  assert.equal(planOf(text, "a.json").stages[0]?.lines.length, 10_000);
  const { user, system } = process.cpuUsage(before);
  const spentMs = (user + system) / 1_000;
  assert.ok(spentMs < 1_000, `${spentMs} ms`);
});
