/** What is said by hand about traffic: what reaches the hub, and how its answer is shown. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { exitCodes, type MethodName, type RouteView, type TrafficSight } from "@propagit/protocol";
import { run } from "./support/command.js";
import { FakeHub } from "./support/fake-hub.js";
import { commit, other } from "./support/samples.js";

const by = "ann@laptop";
const now = Date.now();
const hand = { from: "hand", by, since: now - 3.5 * 3_600_000 } as const;

const view: RouteView = {
  repo: "webapp",
  environment: "production",
  shares: [{ commit, weight: 1 }],
  hosts: [
    {
      route: { host: "www.example.com", path: "/api", service: "api", rewrite: "/" },
      origin: { from: "manifest", release: 12 },
    },
    {
      route: { host: "old.example.com", redirect: { to: "https://a.example/*", status: 308 } },
      origin: hand,
    },
  ],
  rules: {
    pause: { limitMs: 30_000 },
    rate: { perSecond: 0.5, burst: 3, by: "address" },
    bodyBytesMax: 10_485_760,
    users: [
      { name: "ann", hash: "" },
      { name: "bob", hash: "" },
    ],
  },
  origins: [
    { rule: "pause", origin: hand },
    { rule: "rate", origin: { from: "manifest", release: 12 } },
    { rule: "bodyBytesMax", origin: hand },
    { rule: "users", origin: hand },
    { rule: "hsts", origin: hand },
  ],
  experiments: [
    {
      name: "header",
      variants: [
        { name: "a", weight: 3 },
        { name: "b", weight: 1, commit: other },
      ],
      rules: [{ when: { header: { name: "x-team", values: ["qa"] } }, variant: "b" }],
      audience: { percent: 20 },
      by,
      since: hand.since,
    },
  ],
  shadow: { shadow: { commit: other, percent: 5 }, origin: hand },
};

const sight: TrafficSight = {
  at: now,
  windowMs: 10_000,
  proxies: 1,
  reporting: 1,
  rows: [
    ["header=a", [60, 0], 0],
    ["header=b", [20, 20], 0.5],
  ].map(([variant, recent, failedPerSecond]) => ({
    repo: "webapp",
    environment: "production",
    commit,
    variant: variant as string,
    perSecond: 1,
    failedPerSecond: failedPerSecond as number,
    p95Ms: 12.4,
    inFlight: 0,
    recent: recent as number[],
  })),
};

const emptyPlan = {
  hash: "0".repeat(64),
  text: JSON.stringify({ name: "nothing", stages: [] }),
  told: { skipped: [], skippedCount: 0, durations: [], warnings: [] },
};

describe("commands about traffic", () => {
  let hub: FakeHub;
  let folder: string;
  let asked: { readonly method: MethodName; readonly params: unknown }[] = [];
  let answer: RouteView = view;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "propagit-traffic-"));
    const take = (method: MethodName) => (params: unknown) => {
      asked.push({ method, params });
      return answer;
    };
    hub = await FakeHub.start({
      handlers: {
        "hub.rules": take("hub.rules"),
        "hub.host": take("hub.host"),
        "hub.access": take("hub.access"),
        "hub.experiment-start": take("hub.experiment-start"),
        "hub.experiment-stop": take("hub.experiment-stop"),
        "hub.shadow": take("hub.shadow"),
        "hub.plan-make": (params) => {
          asked.push({ method: "hub.plan-make", params });
          return emptyPlan;
        },
        "hub.route": () => ({ routes: [answer] }),
        "hub.traffic": (_, { part }) => {
          part(sight);
          return {};
        },
      },
    });
  });

  beforeEach(() => {
    asked = [];
    answer = view;
  });

  after(async () => {
    await hub.lose();
    rmSync(folder, { recursive: true });
  });

  const said: readonly (readonly [readonly string[], MethodName, object, RegExp])[] = [
    [
      ["pause", "webapp"],
      "hub.rules",
      { set: { pause: { limitMs: 30_000 } }, off: [], unset: [] },
      /^webapp is paused: requests wait for up to 30 s; go on with `propagit resume webapp`\n$/,
    ],
    [
      ["pause", "webapp", "-e", "staging", "--limit=2m"],
      "hub.rules",
      { environment: "staging", set: { pause: { limitMs: 120_000 } }, off: [], unset: [] },
      /^webapp \(staging\) is paused: requests wait for up to 2 min 0 s/,
    ],
    [
      ["resume", "webapp"],
      "hub.rules",
      { set: {}, off: [], unset: ["pause"] },
      /^webapp is not paused\n$/,
    ],
    [
      ["maintenance", "on", "webapp", "--text=soon", "--retry-after=90s"],
      "hub.rules",
      { set: { maintenance: { text: "soon", retryAfterSeconds: 90 } }, off: [], unset: [] },
      /see the maintenance page until `propagit maintenance off webapp`/,
    ],
    [
      ["maintenance", "off", "webapp"],
      "hub.rules",
      { set: {}, off: [], unset: [], end: ["maintenance"] },
      /^visitors of webapp see no maintenance page\n$/,
    ],
    [
      ["route", "set", "webapp", "rate=5/s", "max-body=1M", "pins=off"],
      "hub.rules",
      {
        set: { rate: { perSecond: 5, burst: 5, by: "address" }, bodyBytesMax: 1_048_576 },
        off: ["pins"],
        unset: [],
      },
      /^webapp: 74336bc 100 %\nRULE/,
    ],
    [
      ["route", "unset", "webapp", "rate", "max-body", "users"],
      "hub.rules",
      { set: {}, off: [], unset: ["rate", "bodyBytesMax", "users"] },
      /RULE/,
    ],
    [
      ["route", "add", "example.com/api", "webapp", "--service=api", "--strip"],
      "hub.host",
      { add: { host: "example.com", path: "/api", service: "api", rewrite: "/" } },
      /^example.com\/api leads to webapp\n$/,
    ],
    [
      ["route", "add", "old.example.com", "webapp", "--redirect=https://a.example/*"],
      "hub.host",
      { add: { host: "old.example.com", redirect: { to: "https://a.example/*", status: 307 } } },
      /^old.example.com leads to https:\/\/a.example\/\*\n$/,
    ],
    [
      ["route", "rm", "example.com/api", "webapp"],
      "hub.host",
      { remove: { host: "example.com", path: "/api" } },
      /no longer leads to webapp by hand/,
    ],
    [
      ["access", "rm", "webapp", "carl"],
      "hub.access",
      { remove: "carl" },
      /^carl has no access to webapp; only these may come: ann, bob\n$/,
    ],
    [
      [
        "experiment",
        "start",
        "webapp",
        "header",
        "--variant=a=3",
        "--variant=b=1:40548da",
        "--when=header x-team=qa:b",
        "--audience=percent 20",
      ],
      "hub.experiment-start",
      {
        name: "header",
        variants: [
          { name: "a", weight: 3 },
          { name: "b", weight: 1, ref: "40548da" },
        ],
        rules: [{ when: { header: { name: "x-team", values: ["qa"] } }, variant: "b" }],
        audience: { percent: 20 },
      },
      /^experiment header: a 75 %, b 25 % \(40548da\); ann@laptop, 3h ago\n {2}only visitors with percent 20\n {2}b for header x-team=qa\n$/,
    ],
    [
      ["experiment", "stop", "webapp", "header", "--promote=b"],
      "hub.experiment-stop",
      { name: "header", promote: "b" },
      /^experiment header of webapp is over; webapp: 74336bc 100 %\n$/,
    ],
    [
      ["shadow", "webapp", "40548da", "--percent=5"],
      "hub.shadow",
      { to: { ref: "40548da", percent: 5 } },
      /^5 % of the requests of webapp are copied to 40548da\n$/,
    ],
    [["shadow", "webapp", "--off"], "hub.shadow", {}, /.+/],
  ];
  for (const [args, method, params, shows] of said) {
    it(`say it to the hub: propagit ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await run(hub, args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(asked, [{ method, params: { repo: "webapp", by, ...params } }]);
      assert.match(stdout, shows);
    });
  }

  const planned = said.filter(([, method]) => method !== "hub.access");
  for (const [args, method, params] of planned) {
    it(`only ask what it would do: propagit ${args.join(" ")} --dry-run, and propagit plan`, async () => {
      const kind = method.slice("hub.".length);
      const change = { kind, repo: "webapp", ...params };
      for (const words of [
        [...args, "--dry-run"],
        ["plan", ...args],
      ]) {
        asked = [];
        const { code, stdout, stderr } = await run(hub, words);
        assert.equal(code, 0, stderr);
        assert.deepEqual(asked, [{ method: "hub.plan-make", params: { change } }]);
        assert.match(stdout, /nothing to do/);
      }
    });
  }

  it("take a page from a file", async () => {
    const file = join(folder, "page.html");
    writeFileSync(file, "<h1>soon</h1>\n");
    await run(hub, ["maintenance", "on", "webapp", `--file=${file}`]);
    const [first] = asked;
    assert.ok(first);
    const { set } = first.params as { readonly set: RouteView["rules"] };
    assert.equal(set.maintenance?.text, "<h1>soon</h1>\n");
    const { code, stderr } = await run(hub, ["maintenance", "on", "webapp", "--file=/nowhere"]);
    assert.equal(code, exitCodes.usage);
    assert.match(stderr, /--file \/nowhere cannot be read: ENOENT/);
  });

  it("never send a password, only its hash", async () => {
    const args = ["access", "add", "webapp", "ann"];
    const { code, stdout } = await run(hub, args, "correct horse\n");
    assert.deepEqual(
      [code, stdout],
      [0, "ann has access to webapp; only these may come: ann, bob\n"],
    );
    const [first] = asked;
    assert.ok(first);
    const { add } = first.params as { readonly add: { name: string; hash: string } };
    const { name, hash } = add;
    assert.equal(name, "ann");
    assert.match(hash, /^scrypt\$16384\$8\$5\$[\w-]{22}\$[\w-]{43}$/);
    assert.ok(!JSON.stringify(asked).includes("horse"));
    const empty = await run(hub, args);
    assert.equal(empty.code, exitCodes.usage);
    assert.match(empty.stderr, /ann's password is empty/);
  });

  it("list who has access", async () => {
    const { stdout } = await run(hub, ["access", "ls", "webapp"]);
    assert.equal(stdout, "only these may come: ann, bob; last changed by ann@laptop, 3h ago\n");
    const json = await run(hub, ["access", "ls", "webapp", "--json"]);
    assert.deepEqual(JSON.parse(json.stdout), ["ann", "bob"]);
  });

  it("show a route with the origin of each part", async () => {
    const { stdout } = await run(hub, ["route", "show", "webapp"]);
    assert.equal(
      stdout,
      `webapp: 74336bc 100 %
RULE     VALUE                             FROM
pause    requests wait for up to 30 s      ann@laptop, 3h ago
rate     30/m for each address, 3 at once  manifest of release 12
maxBody  10 MiB                            ann@laptop, 3h ago
users    ann, bob                          ann@laptop, 3h ago
hsts     off                               ann@laptop, 3h ago
HOST                 LEADS TO                               FROM
www.example.com/api  service api, /api becomes /            manifest of release 12
old.example.com      redirect to https://a.example/* (308)  ann@laptop, 3h ago
experiment header: a 75 %, b 25 % (40548da); ann@laptop, 3h ago
  only visitors with percent 20
  b for header x-team=qa
a copy of 5 % of the requests goes to 40548da; ann@laptop, 3h ago
`,
    );
    const json = await run(hub, ["route", "show", "--json"]);
    assert.deepEqual(JSON.parse(json.stdout), [view]);
  });

  it("show what is wanted of an experiment beside what was counted", async () => {
    const { stdout } = await run(hub, ["experiment", "status"]);
    const lines = stdout.split("\n").map((line) => line.replaceAll(/ +/g, " "));
    assert.deepEqual(lines.slice(3, 6), [
      "VARIANT COMMIT WANTED OBSERVED REQUESTS/MIN FAILED/S P95",
      "a 75 % 60 % 60 0.0 12 ms",
      "b 40548da 25 % 40 % 40 0.5 12 ms",
    ]);
    const json = await run(hub, ["experiment", "status", "webapp", "--json"]);
    const [status] = JSON.parse(json.stdout) as [{ variants: readonly object[] }];
    assert.deepEqual(status.variants[0], {
      name: "a",
      wantedPercent: 75,
      observedPercent: 60,
      requests: 60,
      failedPerSecond: 0,
      p95Ms: 12.4,
    });
    const { experiments: _, ...silent } = view;
    answer = { ...silent, experiments: [] };
    const none = await run(hub, ["experiment", "status"]);
    assert.equal(none.stdout, "no experiment is running\n");
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["pause", "webapp", "--limit=30"], /--limit: "30" has no unit; write 30s/],
    [["route", "set", "webapp", "rait=1/s"], /there is no rule "rait"/],
    [["route", "set", "webapp", "rate=1"], /is not a rate such as 100\/s/],
    [["route", "unset", "webapp", "rats"], /there is no rule "rats"; did you mean rate\?/],
    [["route", "add", "http://a.b", "webapp"], /not a host name with or without a path/],
    [["route", "add", "a.b", "webapp", "--strip"], /--strip needs a path/],
    [["route", "add", "a.b", "webapp", "--status=301"], /--status needs --redirect/],
    [["route", "add", "a.b", "webapp", "--redirect=http://c", "--status=303"], /none of 301, 302/],
    [["maintenance", "on", "webapp", "--text=a", "--file=b"], /given twice/],
    [["access", "add", "webapp", "a:b"], /"a:b" cannot be the name of a user/],
    [["experiment", "start", "webapp", "x", "--variant=a"], /not of the form NAME=WEIGHT:COMMIT/],
    [["experiment", "start", "webapp", "x", "--when=qa:b"], /"qa" is not a condition/],
    [["experiment", "start", "webapp", "a b"], /"a b" cannot be a name/],
    [["shadow", "webapp"], /either a commit with --percent, or --off/],
    [["shadow", "webapp", "main", "--percent=0"], /not a percentage above 0/],
  ];
  for (const [args, message] of wrong) {
    it(`explain propagit ${args.join(" ")}`, async () => {
      const { code, stderr } = await run(hub, args);
      assert.equal(code, exitCodes.usage, stderr);
      assert.match(stderr, message);
      assert.deepEqual(asked, []);
    });
  }
});
