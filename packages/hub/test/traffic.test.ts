/** What is said by hand about traffic, over sessions with a hub: what proxies hear of it, and what it protects. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PropagitError, Route, RouteView } from "@propagit/protocol";
import { commits, SimHub } from "./support/sim-hub.js";
import { BookDouble } from "./support/book-double.js";

const repo = "webapp";
const by = "ann@laptop";
const code = (wanted: PropagitError["code"]) => (thrown: PropagitError) => thrown.code === wanted;
const manifest = (text: string) => ({ "propagit.yaml": `services: {}\n${text}` });

async function hubWith(files: Readonly<Record<string, Readonly<Record<string, string>>>> = {}) {
  const hub = await SimHub.start();
  for (const [name, commit] of Object.entries(commits)) {
    hub.repositories.push(repo, name, commit, files[name] ?? {});
  }
  await hub.drones("web-1");
  return hub;
}

/** As a proxy is told it. */
async function routesOf(hub: SimHub): Promise<readonly Route[]> {
  const { routes } = await bookOf(hub);
  return routes;
}

async function bookOf(hub: SimHub) {
  const stop = new AbortController();
  const double = new BookDouble();
  let book: ReturnType<BookDouble["take"]>;
  const call = hub.call(
    "hub.routes",
    {},
    {
      signal: stop.signal,
      onPart: (update) => {
        book = double.take(update);
        if (book) stop.abort();
      },
    },
  );
  await assert.rejects(call);
  assert.ok(book);
  return book;
}

async function eventKinds(hub: SimHub): Promise<string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events.map(({ kind, text }) => `${kind}: ${text}`);
}

const rules = (hub: SimHub, change: Partial<Parameters<typeof ruleParams>[0]>) =>
  hub.call("hub.rules", ruleParams(change));
function ruleParams(change: {
  readonly set?: RouteView["rules"];
  readonly off?: (keyof RouteView["rules"])[];
  readonly unset?: (keyof RouteView["rules"])[];
  readonly end?: (keyof RouteView["rules"])[];
  readonly by?: string;
  readonly environment?: string;
}) {
  return { repo, set: {}, off: [], unset: [], by, ...change };
}

describe("rules by hand", () => {
  it("are what proxies get, with the manifest's, over restarts and releases, until they are taken back", async () => {
    const hub = await hubWith({
      one: manifest("traffic: { pins: true, maxBody: 10 }"),
      two: manifest("traffic: { pins: true, maxBody: 20 }\nroutes: [www.example.com]"),
    });
    await hub.deploy("one");
    const view = await rules(hub, { set: { bodyBytesMax: 5 }, off: ["pins"] });
    assert.deepEqual(view.rules, { bodyBytesMax: 5 });
    assert.deepEqual(
      view.origins.map(({ rule, origin }) => [rule, origin.from, origin.by]),
      [
        ["bodyBytesMax", "hand", by],
        ["pins", "hand", by],
      ],
    );
    await hub.stop();
    await hub.start();
    await hub.deploy("two");
    const [route] = await routesOf(hub);
    assert.deepEqual(route?.rules, { bodyBytesMax: 5 });
    assert.deepEqual(route?.hosts, [{ host: "www.example.com" }]);
    const back = await rules(hub, { unset: ["bodyBytesMax", "pins"] });
    assert.deepEqual(back.rules, { pins: true, bodyBytesMax: 20 });
    assert.deepEqual(back.origins[0]?.origin, { from: "manifest", release: 2 });
    assert.deepEqual((await routesOf(hub))[0]?.rules, { pins: true, bodyBytesMax: 20 });
  });

  it("pause and resume with an event each, that names who did it", async () => {
    const hub = await hubWith();
    await hub.deploy("one");
    await rules(hub, { set: { pause: { limitMs: 30_000 } } });
    const [route] = await routesOf(hub);
    assert.deepEqual([route?.rules?.pause?.limitMs, route?.rules?.pause?.by], [30_000, by]);
    await rules(hub, { unset: ["pause"] });
    assert.equal((await routesOf(hub))[0]?.rules, undefined);
    const kinds = await eventKinds(hub);
    assert.deepEqual(kinds.slice(-2), ["paused: webapp is paused", "resumed: webapp is resumed"]);
  });

  it("end whoever says them, and are left to a manifest that does not", async () => {
    const page = "traffic: { maintenance: closed }";
    const hub = await hubWith({ one: manifest("traffic: { pins: true }"), two: manifest(page) });
    await hub.deploy("one");
    const end = ["maintenance" as const];
    await rules(hub, { set: { maintenance: { text: "soon" } } });
    const open = await rules(hub, { end });
    assert.deepEqual([open.rules, open.origins.length], [{ pins: true }, 1]);
    await hub.deploy("two");
    assert.equal((await routesOf(hub))[0]?.rules?.maintenance?.text, "closed");
    const off = await rules(hub, { end });
    assert.deepEqual([off.rules, off.origins.map(({ rule }) => rule)], [{}, end]);
    assert.deepEqual(await rules(hub, { end, by: "bob" }), off);
    await rules(hub, { set: { maintenance: { text: "soon" } } });
    assert.deepEqual((await rules(hub, { end })).rules, {});
    const twice = rules(hub, { end, set: { maintenance: { text: "soon" } } });
    await assert.rejects(twice, code("BAD_RULE"));
  });

  it("hold before the first release, and while nothing runs", async () => {
    const hub = await hubWith();
    const view = await rules(hub, { set: { maintenance: { text: "soon" } } });
    assert.deepEqual([view.shares, view.rules.maintenance?.text], [[], "soon"]);
    assert.deepEqual((await routesOf(hub))[0]?.shares, []);
    const { result } = await hub.deploy("one", { promote: false });
    assert.equal(result.promoted, false);
    const second = await hub.deploy("two");
    assert.equal(second.result.promoted, true);
    await hub.call("hub.stop", { repo, ref: "two", force: true, by });
    const [route] = await routesOf(hub);
    assert.deepEqual([route?.shares, route?.rules?.maintenance?.text], [[], "soon"]);
  });

  it("are refused for what is not there, and for what cannot be", async () => {
    const hub = await hubWith();
    await assert.rejects(
      hub.call("hub.rules", { ...ruleParams({}), repo: "nope" }),
      code("NO_REPO"),
    );
    await assert.rejects(rules(hub, { environment: "stagin" }), code("NOT_DEPLOYED"));
    for (const wrong of ["1.2.3", "300.0.0.1", "10.0.0.0/33", "1.2.3.4::/8"]) {
      await assert.rejects(rules(hub, { set: { allow: [wrong] } }), {
        code: "BAD_RULE",
        message: `allow has "${wrong}", which is no network`,
      });
    }
    await assert.rejects(rules(hub, { set: { users: [] } }), code("BAD_RULE"));
    assert.deepEqual(await hub.keys("said/"), []);
  });

  it("are listed for all repositories or one, without hashes of passwords", async () => {
    const hub = await hubWith();
    const hash = "scrypt$16384$8$5$c2FsdA$a2V5";
    await hub.call("hub.access", { repo, add: { name: "ann", hash }, by });
    const { routes } = await hub.call("hub.route", {});
    assert.deepEqual(routes[0]?.rules.users, [{ name: "ann", hash: "" }]);
    assert.deepEqual((await routesOf(hub))[0]?.rules?.users, [{ name: "ann", hash }]);
    const elsewhere = { repo, environment: "staging" };
    await assert.rejects(hub.call("hub.route", elsewhere), code("NOT_DEPLOYED"));
    await assert.rejects(hub.call("hub.route", { environment: "nope" }), {
      code: "NOT_DEPLOYED",
      message: "no repository has an environment nope; nothing is deployed",
    });
    await hub.call("hub.access", { repo, remove: "ann", by });
    assert.deepEqual(await hub.call("hub.route", { repo }), { routes: [] });
    await assert.rejects(hub.call("hub.access", { repo, remove: "ann", by }), code("NO_RULE"));
  });
});

describe("an environment that nobody has", () => {
  it("is told from those that there are", async () => {
    const hub = await hubWith();
    for (const environment of ["staging", "production"]) {
      await hub.deploy("one", { environment });
    }
    await assert.rejects(hub.call("hub.route", { environment: "nope" }), {
      code: "NOT_DEPLOYED",
      message: "no repository has an environment nope; there are production, staging",
    });
    const rollout = { repo, environment: "nope" };
    const noSuch = {
      code: "NOT_DEPLOYED",
      message: "webapp has no environment nope; it has production, staging",
    };
    await assert.rejects(hub.call("hub.canary", { ...rollout, follow: false }), noSuch);
    const aborted = hub.call("hub.canary-change", { ...rollout, change: "abort" });
    await assert.rejects(aborted, noSuch);
    await assert.rejects(hub.call("hub.canary", { repo, follow: false }), code("NO_ROLLOUT"));
    const staging = hub.call("hub.canary", { repo, environment: "staging", follow: false });
    await assert.rejects(
      staging,
      (thrown: PropagitError) =>
        thrown.hint === "begin one with `propagit rollout webapp COMMIT -e staging`",
    );
    const anywhere = {
      code: "NOT_DEPLOYED",
      message: "no repository has an environment nope; there are production, staging",
    };
    await assert.rejects(hub.call("hub.traffic", { environment: "nope", follow: false }), anywhere);
    await assert.rejects(hub.call("hub.traffic", { ...rollout, follow: false }), noSuch);
    const list = hub.call("hub.canaries", { over: true, environment: "nope" });
    await assert.rejects(list, anywhere);
  });
});

describe("a repository that nobody has", () => {
  it("is said to be none, by whatever looks at visitors or moves them", async () => {
    const hub = await hubWith();
    const nope = { repo: "nope" };
    await assert.rejects(hub.call("hub.traffic", { ...nope, follow: false }), code("NO_REPO"));
    await assert.rejects(hub.call("hub.canary", { ...nope, follow: false }), code("NO_REPO"));
    for (const change of ["promote", "abort", "pause", "resume"] as const) {
      await assert.rejects(hub.call("hub.canary-change", { ...nope, change }), code("NO_REPO"));
    }
  });
});

describe("host names by hand", () => {
  it("lead somewhere at once, and to one place only", async () => {
    const hub = await hubWith({ one: manifest("routes: [www.example.com]") });
    hub.repositories.push("other", "main", commits.three);
    await hub.deploy("one");
    const redirect = { to: "https://www.example.com/*", status: 308 } as const;
    await hub.call("hub.host", { repo, add: { host: "Old.example.com", redirect }, by });
    const [route] = await routesOf(hub);
    assert.deepEqual(route?.hosts, [
      { host: "old.example.com", redirect },
      { host: "www.example.com" },
    ]);
    for (const host of ["old.example.com", "WWW.example.com"]) {
      const taken = hub.call("hub.host", { repo: "other", add: { host }, by });
      await assert.rejects(taken, code("HOST_TAKEN"));
    }
    await assert.rejects(
      hub.call("hub.host", { repo, remove: { host: "www.example.com" }, by }),
      (thrown: PropagitError) => /manifest of release 1 names it/.test(thrown.hint),
    );
    await hub.call("hub.host", { repo, remove: { host: "old.example.com" }, by });
    assert.deepEqual((await routesOf(hub))[0]?.hosts, [{ host: "www.example.com" }]);
  });
});

describe("experiments and shadows", () => {
  const variants = [
    { name: "a", weight: 50 },
    { name: "b", weight: 50, ref: "two" },
  ];

  it("keep what they need from being stopped, say why, and end with it when it is forced", async () => {
    const hub = await hubWith();
    await hub.deploy("one");
    await hub.deploy("two", { promote: false });
    const start = { repo, name: "header", variants, rules: [], by };
    const view = await hub.call("hub.experiment-start", start);
    const [, arm] = view.experiments[0]?.variants ?? [];
    assert.equal(arm?.commit, commits.two);
    assert.match(arm.deployment ?? "", /^[0-9a-f]{16}$/);
    await hub.call("hub.shadow", { repo, to: { ref: "two", percent: 5 }, by });
    const stop = (force: boolean) => hub.call("hub.stop", { repo, ref: "two", force, by });
    await assert.rejects(stop(false), (thrown: PropagitError) => {
      assert.equal(thrown.code, "STILL_ROUTED");
      assert.match(thrown.message, /it serves variant b of experiment header; .*a copy of 5 %/);
      assert.match(thrown.hint, /propagit experiment stop webapp header/);
      return true;
    });
    const target = { repo, release: "2" };
    await assert.rejects(
      hub.call("hub.hold", { target, start: false, force: false, by }),
      code("STILL_ROUTED"),
    );
    await stop(true);
    const [route] = await routesOf(hub);
    assert.deepEqual([route?.experiments, route?.shadow], [undefined, undefined]);
    const kinds = (await eventKinds(hub)).map((text) => text.split(":")[0]);
    assert.deepEqual(
      kinds.filter((kind) => /experiment|shadow/.test(kind ?? "")),
      ["experiment-started", "shadow-started", "experiment-stopped", "shadow-stopped"],
    );
  });

  it("keep what they need from retention, whose time begins when they end", async () => {
    const keep = manifest("keep: { releases: 1, warm: 0, for: 1m }\npromote: first");
    const hub = await hubWith({ one: keep, two: keep, three: keep });
    await hub.deploy("one");
    await hub.deploy("two");
    await hub.deploy("three");
    await hub.call("hub.experiment-start", { repo, name: "header", variants, rules: [], by });
    await hub.call("hub.shadow", { repo, to: { ref: "three", percent: 5 }, by });
    await hub.sim.clock.advance(10 * 60_000);
    const running = async () => {
      const { deployments } = await bookOf(hub);
      return deployments.map(({ commit }) => commit).sort();
    };
    assert.deepEqual(await running(), Object.values(commits).sort());
    const reap = await hub.call("hub.reap", { dryRun: true });
    assert.deepEqual(
      reap.releases.map(({ number, why }) => [number, why]),
      [
        [3, "it gets a copy of 5 % of the requests"],
        [2, "it serves variant b of experiment header"],
        [1, "visitors are sent to it"],
      ],
    );
    await hub.call("hub.experiment-stop", { repo, name: "header", by });
    await hub.call("hub.shadow", { repo, by });
    await hub.sim.clock.advance(30_000);
    assert.deepEqual(await running(), [commits.one, commits.two].sort());
    await hub.sim.clock.advance(60_000);
    assert.deepEqual(await running(), [commits.one]);
  });

  it("end with a winner, in one step", async () => {
    const hub = await hubWith();
    await hub.deploy("one");
    await hub.deploy("two", { promote: false });
    await hub.call("hub.experiment-start", { repo, name: "header", variants, rules: [], by });
    const stop = { repo, name: "header", by };
    await assert.rejects(
      hub.call("hub.experiment-stop", { ...stop, promote: "a" }),
      code("BAD_RULE"),
    );
    await assert.rejects(
      hub.call("hub.experiment-stop", { ...stop, promote: "c" }),
      code("NO_RULE"),
    );
    const view = await hub.call("hub.experiment-stop", { ...stop, promote: "b" });
    assert.deepEqual(
      [view.experiments, view.shares.map(({ commit, weight }) => [commit, weight])],
      [[], [[commits.two, 1]]],
    );
    await assert.rejects(hub.call("hub.experiment-stop", stop), code("NO_RULE"));
  });

  it("are refused for what does not run, or cannot be", async () => {
    const hub = await hubWith();
    await hub.deploy("one");
    const start = { repo, name: "header", variants, rules: [], by };
    await assert.rejects(hub.call("hub.experiment-start", start), code("NOT_DEPLOYED"));
    await assert.rejects(
      hub.call("hub.shadow", { repo, to: { ref: "two", percent: 5 }, by }),
      code("NOT_DEPLOYED"),
    );
    const same = variants.map(({ weight }) => ({ name: "a", weight }));
    await assert.rejects(
      hub.call("hub.experiment-start", { ...start, variants: same }),
      code("BAD_RULE"),
    );
    const plain = variants.map(({ name, weight }) => ({ name, weight }));
    const begun = await hub.call("hub.experiment-start", { ...start, variants: plain });
    const again = { ...start, variants: plain, by: "bob" };
    assert.deepEqual(await hub.call("hub.experiment-start", again), begun);
    await assert.rejects(
      hub.call("hub.experiment-start", { ...again, audience: { percent: 20 } }),
      code("EXISTS"),
    );
  });
});

describe("branches", () => {
  const branchesOf = async (hub: SimHub) => {
    const { deployments } = await bookOf(hub);
    return Object.fromEntries(deployments.map(({ commit, branches = [] }) => [commit, branches]));
  };

  it("lead to what was deployed of them last, once it is ready", async () => {
    const hub = await hubWith();
    hub.repositories.push(repo, "feature/Login", commits.one);
    await hub.deploy("feature/Login");
    assert.deepEqual(await branchesOf(hub), { [commits.one]: ["feature-login"] });
    hub.repositories.push(repo, "feature/Login", commits.two);
    await hub.deploy("feature/Login");
    assert.deepEqual(await branchesOf(hub), {
      [commits.one]: [],
      [commits.two]: ["feature-login"],
    });
    await hub.deploy(commits.three);
    assert.deepEqual((await branchesOf(hub))[commits.three], []);
  });

  it("lead to what runs already, when nothing needs to be done", async () => {
    const hub = await hubWith();
    await hub.deploy("one");
    hub.repositories.push(repo, "next", commits.one);
    const { result } = await hub.deploy("next");
    assert.equal(result.outcome, "unchanged");
    assert.deepEqual(await branchesOf(hub), { [commits.one]: ["next", "one"] });
    await hub.stop();
    await hub.start();
    assert.deepEqual(await branchesOf(hub), { [commits.one]: ["next", "one"] });
  });
});
