import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { check, routeSchema, type HostRoute, type Rules } from "@propagit/protocol";
import * as fc from "fast-check";
import { Draft } from "../../src/core/draft.js";
import {
  releaseKey,
  placeKey,
  type Row,
  type SaidRow,
  type TableName,
} from "../../src/core/rows.js";
import { sendVisitors, undesire } from "../../src/core/route-edits.js";
import {
  addHost,
  addUser,
  changeRules,
  removeHost,
  removeUser,
  refuseUnknownService,
} from "../../src/core/rule-edits.js";
import {
  composed,
  isSamePlace,
  saidOf,
  writeRulesOfRunning,
  writeSaid,
} from "../../src/core/said.js";
import { describeUse, hasVisitors, usesOf } from "../../src/core/uses.js";
import { release } from "../support/desk-world.js";
import { emptySpecification, service } from "../support/specifications.js";

const place = { repo: "webapp", environment: "production" };
const said = { by: "ann", since: 5 };
const [one, two] = ["1", "2"].map((digit) => digit.repeat(40)) as [string, string];
const [first, second] = ["a", "b"].map((digit) => digit.repeat(16)) as [string, string];

function draftOf(...rows: readonly Row<"releases">[]): Draft {
  const empty = { rows: <T extends TableName>() => new Map<string, Row<T>>() };
  const draft = new Draft(empty);
  for (const row of rows) {
    const { number, commit, deployment, specification, settings } = row;
    draft.put("releases", releaseKey("webapp", "production", number), row);
    draft.put("deployments", deployment, {
      ...place,
      id: deployment,
      commit,
      release: number,
      specification,
      settings,
      since: number,
      started: true,
      services: [],
    });
  }
  return draft;
}

const silent = saidOf(draftOf(), place);
const routeOf = (draft: Draft) => draft.rows("routes").get(placeKey("webapp", "production"));

describe("what was never promoted", () => {
  const closed = { ...emptySpecification, rules: { allow: ["10.0.0.0/8"] } };
  const draft = () =>
    draftOf(release({ number: 1, commit: one, deployment: first, specification: closed }));

  it("goes by the rules of its manifest, for the names of its commits", () => {
    const begun = draft();
    writeRulesOfRunning(begun, place, 7);
    assert.deepEqual(routeOf(begun), { ...place, shares: [], rules: closed.rules });
  });

  it("leaves nothing behind when it ends", () => {
    const begun = draft();
    writeRulesOfRunning(begun, place, 7);
    undesire(begun, new Set([first]), 8);
    assert.equal(routeOf(begun), undefined);
  });

  it("has no say once something else is live", () => {
    const begun = draftOf(
      release({ number: 1, commit: one, deployment: first }),
      release({ number: 2, commit: two, deployment: second, specification: closed }),
    );
    const shares = [{ commit: one, deployment: first, weight: 1 }];
    sendVisitors(begun, { ...place, shares, live: 1, now: 6 });
    writeRulesOfRunning(begun, place, 7);
    assert.deepEqual(routeOf(begun), { ...place, shares });
  });
});

describe("what is said by hand", () => {
  it("wins over the manifest rule by rule, also over what its host names have for themselves", () => {
    const specification = {
      routes: [
        { host: "a.example", rules: { pins: true, bodyBytesMax: 1 } },
        { host: "old.example", path: "/x/" },
      ],
      rules: { pins: true, bodyBytesMax: 5, httpsOnly: true },
    };
    const change = { set: { bodyBytesMax: 9 }, off: ["pins" as const], unset: [] };
    const row = addHost(
      changeRules(silent, change, said),
      { host: "OLD.example", path: "/x", redirect: { to: "https://a.example", status: 307 } },
      said,
    );
    assert.deepEqual(composed(specification, row), {
      rules: { httpsOnly: true, bodyBytesMax: 9 },
      hosts: [
        {
          host: "old.example",
          path: "/x",
          redirect: { to: "https://a.example", status: 307 },
        },
        { host: "a.example" },
      ],
    });
  });

  it("is taken back rule by rule, and leaves nothing behind", () => {
    const change = { set: { pins: true, httpsOnly: true }, off: ["hsts" as const], unset: [] };
    const row = changeRules(silent, change, said);
    const back = changeRules(row, { set: {}, off: [], unset: ["pins", "httpsOnly", "hsts"] }, said);
    assert.deepEqual(back, silent);
    const draft = draftOf();
    writeSaid(draft, row, 1);
    assert.deepEqual(routeOf(draft), {
      ...place,
      shares: [],
      rules: { pins: true, httpsOnly: true },
    });
    writeSaid(draft, back, 2);
    assert.equal(routeOf(draft), undefined);
    assert.equal(draft.rows("said").size, 0);
  });

  it("names who paused, since when", () => {
    const change = { set: { pause: { limitMs: 1_000 } }, off: [], unset: [] };
    assert.deepEqual(changeRules(silent, change, said).rules.pause, { limitMs: 1_000, ...said });
  });

  it("goes on over promotes and releases", () => {
    const draft = draftOf(
      release({ commit: one, deployment: first }),
      release({
        number: 2,
        commit: two,
        deployment: second,
        specification: withRules({ pins: true }),
      }),
    );
    writeSaid(
      draft,
      changeRules(silent, { set: { httpsOnly: true }, off: [], unset: [] }, said),
      1,
    );
    for (const [live, commit, deployment] of [
      [1, one, first],
      [2, two, second],
    ] as const) {
      sendVisitors(draft, { ...place, shares: [{ commit, deployment, weight: 1 }], live, now: 9 });
    }
    assert.deepEqual(routeOf(draft), {
      ...place,
      shares: [{ commit: two, deployment: second, weight: 1 }],
      rules: { pins: true, httpsOnly: true },
    });
  });

  it("keeps what others have put into the route", () => {
    const draft = draftOf(release({ commit: one, deployment: first }));
    const control = { commit: one, percent: 5 };
    const shares = [{ commit: one, deployment: first, weight: 1 }];
    draft.put("routes", placeKey("webapp", "production"), { ...place, shares, control });
    writeSaid(draft, changeRules(silent, { set: { pins: true }, off: [], unset: [] }, said), 1);
    assert.deepEqual(routeOf(draft), { ...place, shares, control, rules: { pins: true } });
  });

  it("cannot be what no proxy could keep", () => {
    const refused: readonly Rules[] = [
      { allow: ["10.0.0.0/40"] },
      { requestHeaders: { set: { Via: "x" } } },
      { users: [{ name: "ann", hash: "" }] },
      { visitor: {} },
      { rate: { perSecond: 1, burst: 1, by: "header" } },
      { maintenance: { text: "x".repeat(200_001) } },
    ];
    for (const set of refused) {
      assert.throws(() => changeRules(silent, { set, off: [], unset: [] }, said), {
        code: "BAD_RULE",
      });
    }
    const twice = { set: { pins: true }, off: ["pins" as const], unset: [] };
    assert.throws(() => changeRules(silent, twice, said), { code: "BAD_RULE" });
    for (const host of ["a b", "", "*", "a.*"]) {
      assert.throws(() => addHost(silent, { host }, said), { code: "BAD_RULE" });
    }
  });

  it("leads to services that take visitors", () => {
    const services = [service("http"), service("job", { ports: [] })];
    const specification = { ...emptySpecification, services };
    const draft = draftOf(release({ commit: one, deployment: first, specification }));
    sendVisitors(draft, { ...place, shares: [{ commit: one, weight: 1 }], live: 1, now: 1 });
    refuseUnknownService(draft, silent, { host: "a.b", service: "http" });
    refuseUnknownService(draft, silent, { host: "a.b" });
    for (const wanted of ["job", "htpp"]) {
      assert.throws(() => refuseUnknownService(draft, silent, { host: "a.b", service: wanted }), {
        code: "NO_SERVICE",
        hint: "these take visitors: http",
      });
    }
  });

  it("adds and takes away host names and users, and knows which were not added by hand", () => {
    const host = { host: "a.example", path: "/x" };
    const row = addHost(silent, host, said);
    assert.deepEqual(removeHost(draftOf(), row, { host: "A.example", path: "/x/" }), silent);
    assert.throws(() => removeHost(draftOf(), silent, host), { code: "NO_RULE" });
    const user = { name: "ann", hash: "scrypt$16384$8$5$c2FsdA$a2V5" };
    const known = addUser(addUser(silent, user, said), { ...user, hash: `${user.hash}x` }, said);
    assert.deepEqual(known.rules.users, [{ name: "ann", hash: `${user.hash}x` }]);
    assert.deepEqual(removeUser(known, "ann", said), silent);
    assert.throws(() => removeUser(known, "bob", said), { code: "NO_RULE" });
    assert.throws(() => addUser(silent, { name: "a:b", hash: user.hash }, said), {
      code: "BAD_RULE",
    });
    assert.throws(() => addUser(silent, { name: "ann", hash: "secret" }, said), {
      code: "BAD_RULE",
    });
  });
});

const rules: fc.Arbitrary<Rules> = fc.record(
  {
    pins: fc.boolean(),
    httpsOnly: fc.boolean(),
    bodyBytesMax: fc.nat(9),
    slowStartMs: fc.nat(9),
  },
  { requiredKeys: [] },
);
const host: fc.Arbitrary<HostRoute> = fc
  .tuple(
    fc.constantFrom("a.example", "b.example", "*.c.example"),
    fc.constantFrom("/x", "/y"),
    rules,
  )
  .map(([name, path, own]) => ({ host: name, path, rules: own }));
const names = ["pins", "httpsOnly", "bodyBytesMax", "slowStartMs"] as const;

function withRules(own: Rules) {
  return { services: [], routes: [], rules: own, promote: "first" as const };
}

it("property: of each rule what was said by hand last holds, otherwise what the manifest says", () => {
  const change = fc.record({ name: fc.constantFrom(...names), rules, how: fc.nat(2) });
  const manifest = fc.record({ routes: fc.array(host, { maxLength: 4 }), rules });
  fc.assert(
    fc.property(
      manifest,
      fc.array(change),
      fc.array(host, { maxLength: 3 }),
      (own, changes, hosts) => {
        let row: SaidRow = silent;
        const model = new Map<string, unknown>();
        for (const { name, rules: wanted, how } of changes) {
          const value = wanted[name];
          if (how === 0 && value !== undefined) {
            row = changeRules(row, { set: { [name]: value }, off: [], unset: [] }, said);
            model.set(name, value);
          } else if (how === 1) {
            row = changeRules(row, { set: {}, off: [name], unset: [] }, said);
            model.set(name, undefined);
          } else {
            row = changeRules(row, { set: {}, off: [], unset: [name] }, said);
            model.delete(name);
          }
        }
        for (const one of hosts) row = addHost(row, one, said);
        const route = composed(own, row);
        for (const name of names) {
          const wanted = model.has(name) ? model.get(name) : own.rules[name];
          assert.deepEqual(route.rules?.[name], wanted);
        }
        for (const one of own.routes) {
          const shown = route.hosts?.find((other) => isSamePlace(other, one));
          assert.ok(shown);
          if (hosts.some((other) => isSamePlace(other, one))) continue;
          for (const name of model.keys()) assert.ok(!(name in (shown.rules ?? {})));
        }
        assert.ok(check(routeSchema, { ...place, shares: [], ...route }).ok);
      },
    ),
  );
});

describe("what a route needs", () => {
  const route = {
    repo: "webapp",
    shares: [{ commit: one, deployment: first, weight: 3 }],
    experiments: [
      {
        name: "header",
        variants: [
          { name: "a", weight: 50 },
          { name: "b", weight: 50, commit: two, deployment: second },
        ],
      },
    ],
    shadow: { commit: two, deployment: second, percent: 5 },
  };

  it("is a share, a variant, or a copy of the requests, each in words", () => {
    const words = (commit: string, deployment?: string) =>
      usesOf(route, { commit, deployment }).map(describeUse);
    assert.deepEqual(words(one), ["it has a share of the visitors"]);
    assert.deepEqual(words(two, second), [
      "it serves variant b of experiment header",
      "it gets a copy of 5 % of the requests",
    ]);
    assert.deepEqual(words(two, first), []);
    assert.ok(hasVisitors(route, { commit: two }));
    const { experiments: _, ...shadowed } = route;
    assert.ok(!hasVisitors(shadowed, { commit: two }));
  });

  it("ends, with an event, when it is stopped by force; the other experiments go on", () => {
    const draft = draftOf(
      release({ commit: one, deployment: first }),
      release({ number: 2, commit: two, deployment: second }),
    );
    const other = {
      name: "colour",
      variants: [
        { name: "a", weight: 1 },
        { name: "b", weight: 1 },
      ],
    };
    sendVisitors(draft, { ...place, shares: route.shares, live: 1, now: 1 });
    const [header] = route.experiments;
    assert.ok(header);
    const row: SaidRow = {
      ...silent,
      experiments: [header, other],
      shadow: { to: route.shadow, ...said },
    };
    writeSaid(draft, row, 2);
    assert.equal(draft.rows("releases").get("webapp/production/00000002")?.leftAt, undefined);
    undesire(draft, new Set([second]), 77);
    assert.deepEqual(routeOf(draft), { ...place, shares: route.shares, experiments: [other] });
    assert.deepEqual(
      draft.change.events.map(({ kind }) => kind),
      ["experiment-stopped", "shadow-stopped"],
    );
    assert.equal(draft.rows("releases").get("webapp/production/00000002")?.leftAt, 77);
  });
});
