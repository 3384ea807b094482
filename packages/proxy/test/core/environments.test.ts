/** Where requests go when a repository has environments, releases of one commit, and host names. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Deployment, Endpoint, Route } from "@propagit/protocol";
import { decide, type Decision, type Question } from "../../src/core/decision.js";
import { afterFailure, allFine, type Health } from "../../src/core/health.js";
import { switchRoutes, type FormerShares } from "../../src/core/route-switch.js";
import { buildTable } from "../../src/core/route-table.js";
import { learnNames } from "../../src/core/service-names.js";
import { commitA, commitB, commitC, endpointOf } from "../support/samples.js";

const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(16)) as [
  string,
  string,
  string,
];

interface Given {
  readonly routes?: readonly Route[];
  readonly deployments?: readonly Deployment[];
  readonly endpoints?: readonly Endpoint[];
  readonly earlier?: readonly Endpoint[];
  readonly former?: FormerShares;
  readonly domain?: string;
  readonly service?: string;
  readonly health?: Health;
  readonly now?: number;
}

function ask(given: Given, host: string, over: Partial<Question> = {}): Decision {
  const { routes = [], deployments = [], endpoints = [], earlier = [], former, ...rest } = given;
  const book = { revision: 1, routes: [...routes], deployments: [...deployments] };
  const names = learnNames(new Map(), earlier);
  const table = buildTable(book, { endpoints, names, ...(former && { former }) });
  const usual = { health: allFine, now: 0, loadOf: () => 0, fraction: () => 0 };
  const situation = { table, newVisitor: () => "f".repeat(32), ...usual, ...rest };
  return decide(situation, { host, cookie: undefined, avoid: [], ...over });
}

/** The port, or the code and message of the refusal. */
function outcome(given: Given, host: string, path?: string): number | string {
  const decision = ask(given, host, path === undefined ? {} : { path });
  if (decision.kind === "refuse") return `${decision.code} ${decision.message}`;
  return Number(decision.target.address.split(":")[1]);
}

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
      "NO_ROUTE webapp has no environment stagin, and it is no commit; it has production, staging",
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
    const goesTo = (host: string, visitor: number) => {
      const cookie = `propagit-visitor=${visitor.toString(16).padStart(32, "0")}`;
      const decision = ask({ routes, endpoints }, host, { cookie });
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
    for (let visitor = 0; visitor < 200; visitor++) {
      const cookie = `propagit-visitor=${visitor.toString(16).padStart(32, "0")}`;
      const [before, after] = [one, two].map((id) =>
        ask({ routes: [splitOf(id)], endpoints }, "webapp.localhost", { cookie }),
      );
      assert.ok(before?.kind === "forward" && after?.kind === "forward");
      assert.equal(after.target.commit, before.target.commit);
    }
  });

  it("can share the visitors of their environment", () => {
    const shares = [one, two].map((deployment) => ({ commit: commitA, deployment, weight: 1 }));
    const given = { ...settings, routes: [{ repo: "webapp", shares }] };
    const ports = Array.from({ length: 100 }, (_, visitor) => {
      const cookie = `propagit-visitor=${visitor.toString(16).padStart(32, "0")}`;
      const decision = ask(given, "webapp.localhost", { cookie });
      return decision.kind === "forward" ? decision.target.address : undefined;
    });
    assert.deepEqual(new Set(ports), new Set(["127.0.0.1:1", "127.0.0.1:2"]));
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
    const health = afterFailure(allFine, "127.0.0.1:2", 0);
    assert.equal(outcome({ ...given, health }, host), 1);
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
  const book = (...routes: Route[]) => ({ revision: 1, routes, deployments: [] });
  const before = book(to("production", commitA, one));
  const after = book(to("production", commitA, two));
  const endpoints = [at(1, commitA, one)];
  const host = "webapp.localhost";

  it("loses nobody while the new endpoints are not known yet", () => {
    const former = switchRoutes(new Map(), before, after, 0);
    const given = { routes: after.routes, former };
    assert.equal(outcome({ ...given, endpoints }, host), 1);
    assert.equal(outcome({ ...given, endpoints: [...endpoints, at(2, commitA, two)] }, host), 2);
  });

  it("is not put off for long: who is not there then is not there", () => {
    const former = switchRoutes(new Map(), before, after, 0);
    const given = { routes: after.routes, former, endpoints };
    assert.equal(outcome({ ...given, now: 4_999 }, host), 1);
    assert.match(String(outcome({ ...given, now: 5_000 }, host)), /^NO_ENDPOINT/);
  });

  it("in a row goes back as far as it must, and no further than it may", () => {
    const third = book(to("production", commitA, three));
    const once = switchRoutes(new Map(), before, after, 0);
    const twice = switchRoutes(once, after, third, 1_000);
    assert.equal(outcome({ routes: third.routes, former: twice, endpoints }, host), 1);
    const late = switchRoutes(once, after, third, 5_000);
    assert.match(
      String(outcome({ routes: third.routes, former: late, endpoints, now: 5_000 }, host)),
      /^NO_ENDPOINT/,
    );
  });

  it("is none when only weights change, when it is the first, or when the route is gone", () => {
    const weighed = book({
      ...to("production", commitA, one),
      shares: [{ commit: commitA, deployment: one, weight: 5 }],
    });
    assert.equal(switchRoutes(new Map(), before, weighed, 0).size, 0);
    assert.equal(switchRoutes(new Map(), undefined, after, 0).size, 0);
    const former = switchRoutes(new Map(), before, after, 0);
    assert.equal(switchRoutes(former, after, book(), 0).size, 0);
  });

  it("remembers only a few changes", () => {
    let former: FormerShares = new Map();
    let last = before;
    for (let change = 0; change < 10; change++) {
      const next = book(to("production", commitA, change.toString(16).repeat(16)));
      former = switchRoutes(former, last, next, change);
      last = next;
    }
    assert.equal(former.get("webapp/production")?.length, 3);
  });
});
