/** Where requests go when a repository has environments, releases of one commit, and host names. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Deployment, Endpoint, Route } from "@propagit/protocol";
import type { RouteTable } from "../../src/core/route-table.js";
import {
  ask,
  outcome,
  outcomeOf,
  situationOf,
  tableOf,
  requestTo,
  visitorNumber,
  type Given,
} from "../support/decisions.js";
import { decide } from "../../src/core/decision.js";
import { breakerFailed } from "../../src/core/breaker.js";
import { commitA, commitB, commitC, endpointOf } from "../support/samples.js";

const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(16)) as [
  string,
  string,
  string,
];

const at = (port: number, commit: string, deployment?: string, service = "http") =>
  endpointOf(port, { commit, service, meta: deployment === undefined ? {} : { deployment } });
const to = (environment: string, commit: string, deployment?: string): Route => ({
  repo: "webapp",
  environment,
  shares: [{ commit, weight: 1, ...(deployment !== undefined && { deployment }) }],
});
const runs = (environment: string, release: number, commit: string, id: string): Deployment => ({
  repo: "webapp",
  environment,
  release,
  commit,
  id,
});

const twoPlaces: Given = {
  routes: [to("production", commitA, one), to("staging", commitB, two)],
  deployments: [runs("production", 1, commitA, one), runs("staging", 1, commitB, two)],
  endpoints: [at(1, commitA, one), at(2, commitB, two)],
};

describe("an environment", () => {
  it("has its own host name; production has that of the repository", () => {
    assert.equal(outcome(twoPlaces, "webapp.localhost"), 1);
    assert.equal(outcome(twoPlaces, "production--webapp.localhost"), 1);
    assert.equal(outcome(twoPlaces, "Staging--webapp.localhost:8000"), 2);
    assert.equal(
      outcome({ ...twoPlaces, domain: "example.com" }, "staging--webapp.example.com"),
      2,
    );
  });

  it("that is not there is refused with those that are", () => {
    assert.equal(
      outcome(twoPlaces, "stagin--webapp.localhost"),
      "NO_ROUTE webapp has no environment stagin, no branch of that name runs, and it is no commit; it has production, staging",
    );
  });

  it("without anything promoted says so", () => {
    const given = { ...twoPlaces, routes: [] };
    assert.equal(
      outcome(given, "staging--webapp.localhost"),
      "NO_ROUTE no commit of webapp in staging is promoted",
    );
    assert.equal(outcome(given, "webapp.localhost"), "NO_ROUTE no commit of webapp is promoted");
  });

  it("whose endpoints are missing is named in the refusal", () => {
    assert.equal(
      outcome({ ...twoPlaces, endpoints: [] }, "staging--webapp.localhost"),
      "NO_ENDPOINT no endpoint for webapp in staging bbbbbbb: none of its services is registered",
    );
  });

  it("comes before a commit that begins like it", () => {
    const deployments = [runs("production", 1, commitC, one)];
    const routes = [to("ccccccc", commitB, two)];
    const given = { deployments, routes, endpoints: [at(1, commitC, one), at(2, commitB, two)] };
    assert.equal(outcome(given, "ccccccc--webapp.localhost"), 2);
    assert.equal(outcome(given, "cccccccc--webapp.localhost"), 1);
  });

  it("keeps visitors in their variant apart from other environments", () => {
    const shares = [
      { commit: commitA, weight: 1 },
      { commit: commitB, weight: 1 },
    ];
    const routes = ["production", "staging"].map((environment) => ({
      repo: "webapp",
      environment,
      shares,
    }));
    const endpoints = [at(1, commitA), at(2, commitB)];
    const table = tableOf({ routes, endpoints });
    const goesTo = (host: string, visitor: number) => {
      const decision = ask(table, host, { headers: { cookie: visitorNumber(visitor) } });
      return decision.kind === "forward" ? decision.target.commit : undefined;
    };
    const visitors = Array.from({ length: 400 }, (_, visitor) => visitor);
    const same = visitors.filter(
      (visitor) =>
        goesTo("webapp.localhost", visitor) === goesTo("staging--webapp.localhost", visitor),
    );
    assert.ok(same.length > 120 && same.length < 280, `${same.length}`);
  });
});

describe("releases of one commit", () => {
  const settings: Given = {
    routes: [to("production", commitA, two)],
    deployments: [runs("production", 2, commitA, two), runs("production", 1, commitA, one)],
    endpoints: [at(1, commitA, one), at(2, commitA, two)],
  };

  it("are told apart by their deployment", () => {
    assert.equal(outcome(settings, "webapp.localhost"), 2);
    assert.equal(
      outcome({ ...settings, routes: [to("production", commitA, one)] }, "webapp.localhost"),
      1,
    );
    assert.equal(
      outcome({ ...settings, routes: [to("production", commitA, three)] }, "webapp.localhost"),
      "NO_ENDPOINT no endpoint for webapp aaaaaaa: none of its services is registered",
    );
  });

  it("may be any where an endpoint does not say which", () => {
    const endpoints = [at(3, commitA)];
    assert.equal(outcome({ ...settings, endpoints }, "webapp.localhost"), 3);
  });

  it("are those of the route's own environment when a share names none", () => {
    const given: Given = {
      routes: [to("staging", commitA)],
      deployments: [runs("staging", 1, commitA, two), runs("production", 1, commitA, one)],
      endpoints: [at(1, commitA, one), at(2, commitA, two)],
    };
    assert.equal(outcome(given, "staging--webapp.localhost"), 2);
  });

  it("keep their visitors when only the settings of a variant change", () => {
    const splitOf = (deployment: string): Route => ({
      repo: "webapp",
      shares: [
        { commit: commitA, deployment, weight: 1 },
        { commit: commitB, deployment: three, weight: 1 },
      ],
    });
    const endpoints = [...(settings.endpoints ?? []), at(3, commitB, three)];
    const tables = [one, two].map((id) => tableOf({ routes: [splitOf(id)], endpoints }));
    for (let visitor = 0; visitor < 200; visitor++) {
      const headers = { cookie: visitorNumber(visitor) };
      const [before, after] = tables.map((table) => ask(table, "webapp.localhost", { headers }));
      assert.ok(before?.kind === "forward" && after?.kind === "forward");
      assert.equal(after.target.commit, before.target.commit);
    }
  });

  it("can share the visitors of their environment", () => {
    const shares = [one, two].map((deployment) => ({ commit: commitA, deployment, weight: 1 }));
    const given = { ...settings, routes: [{ repo: "webapp", shares }] };
    const ports = Array.from({ length: 100 }, (_, visitor) =>
      outcome(given, "webapp.localhost", { headers: { cookie: visitorNumber(visitor) } }),
    );
    assert.deepEqual(new Set(ports), new Set([1, 2]));
  });

  it("do not hide a service of one that the other never had", () => {
    const earlier = [at(1, commitA, one, "http"), at(2, commitA, two, "say")];
    const endpoints = [at(2, commitA, two, "say")];
    assert.equal(outcome({ ...settings, earlier, endpoints }, "webapp.localhost"), 2);
  });
});

describe("a commit's own name", () => {
  const given: Given = {
    deployments: [
      runs("staging", 9, commitA, three),
      runs("production", 1, commitA, one),
      runs("production", 2, commitA, two),
    ],
    endpoints: [at(1, commitA, one), at(2, commitA, two), at(3, commitA, three)],
  };
  const host = "aaaaaaa--webapp.localhost";

  it("leads to its newest release in production", () => {
    assert.equal(outcome(given, host), 2);
  });

  it("leads to another one where that has no endpoint, or none that answers", () => {
    const [first, , third] = given.endpoints ?? [];
    assert.ok(first && third);
    assert.equal(outcome({ ...given, endpoints: [first, third] }, host), 1);
    assert.equal(outcome({ ...given, endpoints: [third] }, host), 3);
    const table = tableOf(given);
    const state = table.stateOf("127.0.0.1:2");
    assert.ok(state && breakerFailed(state.breaker, 0, "gone"));
    assert.equal(outcome(table, host), 1);
  });

  it("is refused when none of them is registered", () => {
    assert.equal(
      outcome({ ...given, endpoints: [] }, host),
      "NO_ENDPOINT no endpoint for webapp aaaaaaa: none of its services is registered",
    );
  });
});

describe("a host name of a manifest", () => {
  const route = (repo: string, commit: string, ...hosts: Required<Route>["hosts"]): Route => ({
    repo,
    environment: "production",
    shares: [{ commit, weight: 1 }],
    hosts,
  });
  const given: Given = {
    routes: [
      route("site", commitA, { host: "Example.com" }, { host: "say.example.com", service: "say" }),
      route("shop", commitB, { host: "example.com", path: "/shop/" }),
      route("cart", commitC, { host: "example.com", path: "/shop/cart" }),
    ],
    endpoints: [at(1, commitA), at(2, commitB), at(3, commitC), at(4, commitA, undefined, "say")],
  };

  it("leads to its repository, whatever the domain of the proxy", () => {
    assert.equal(outcome(given, "example.com"), 1);
    assert.equal(outcome({ ...given, domain: "other.org" }, "EXAMPLE.com:8000"), 1);
    assert.equal(outcome(given, "site.localhost"), 1);
  });

  it("leads to the service it names, before any that the proxy was started with", () => {
    assert.equal(outcome(given, "say.example.com"), 4);
    assert.equal(outcome({ ...given, service: "http" }, "say.example.com"), 4);
    assert.equal(outcome({ ...given, service: "say" }, "example.com"), 4);
  });

  for (const [path, port] of [
    ["/", 1],
    ["/shop", 2],
    ["/shop?a=b", 2],
    ["/shop/", 2],
    ["/shop/socks", 2],
    ["/shopping", 1],
    ["/shop/cart", 3],
    ["/shop/cart/1?x=/", 3],
    ["/shop/carts", 2],
    ["/a/shop", 1],
    ["/?/shop", 1],
  ] as const) {
    it(`with the path ${path} goes where the longest path fits`, () => {
      assert.equal(outcome(given, "example.com", path), port);
    });
  }

  it("with no path that fits is nothing but a name", () => {
    const routes = [route("shop", commitB, { host: "shop.example.com", path: "/shop" })];
    assert.equal(outcome({ ...given, routes }, "shop.example.com", "/other"), 2);
    const domain = "localhost";
    assert.match(
      String(outcome({ ...given, routes, domain }, "shop.example.com", "/other")),
      /^NO_ROUTE no route for this host name/,
    );
  });

  it("is production's when two environments want it, and comes before a repository's own name", () => {
    const host = { host: "webapp.example.com" };
    const routes: Route[] = [
      { ...to("staging", commitA), hosts: [host] },
      { ...to("production", commitB), hosts: [host] },
      { repo: "webapp.example.com", shares: [{ commit: commitC, weight: 1 }] },
    ];
    assert.equal(outcome({ ...given, routes }, "webapp.example.com"), 2);
  });
});

describe("a switch", () => {
  const endpoints = [at(1, commitA, one)];
  const before: Given = { routes: [to("production", commitA, one)], endpoints };
  const move = (table: RouteTable, route: Route, now: number) =>
    table.takeBook(
      {
        kind: "change",
        revision: 2,
        routes: [route],
        deployments: [],
        droppedRoutes: [],
        droppedDeployments: [],
      },
      now,
    );
  const outcomeAt = (table: RouteTable, now: number) =>
    outcomeOf(decide(situationOf(table, { now }), requestTo("webapp.localhost")));
  const up = (table: RouteTable, endpoint: Endpoint) =>
    table.takeEndpoints([{ kind: "up", at: { epoch: "life", revision: 2 }, endpoint }], 0);

  it("loses nobody while the new endpoints are not known yet", () => {
    const table = tableOf(before);
    move(table, to("production", commitA, two), 0);
    assert.equal(outcomeAt(table, 0), 1);
    up(table, at(2, commitA, two));
    assert.equal(outcomeAt(table, 0), 2);
  });

  it("is not put off for long: who is not there then is not there", () => {
    const table = tableOf(before);
    move(table, to("production", commitA, two), 0);
    assert.equal(outcomeAt(table, 4_999), 1);
    assert.match(String(outcomeAt(table, 5_000)), /^NO_ENDPOINT/);
  });

  it("in a row goes back as far as it must, and no further than it may", () => {
    for (const [second, expected] of [
      [1_000, /^1$/],
      [5_000, /^NO_ENDPOINT/],
    ] as const) {
      const table = tableOf(before);
      move(table, to("production", commitA, two), 0);
      move(table, to("production", commitA, three), second);
      assert.match(String(outcomeAt(table, second)), expected);
    }
  });

  it("is none when only weights change, and remembers a few changes only", () => {
    const table = tableOf(before);
    const formerOf = () => {
      const { own } = table.lookUp("webapp.localhost");
      return own.kind === "place" ? own.way.place.former.length : undefined;
    };
    const [share] = to("production", commitA, one).shares;
    assert.ok(share);
    move(table, { ...to("production", commitA, one), shares: [{ ...share, weight: 5 }] }, 0);
    assert.equal(formerOf(), 0);
    for (let change = 2; change < 10; change++) {
      move(table, to("production", commitA, change.toString(16).repeat(16)), change);
    }
    assert.equal(formerOf(), 3);
  });
});
