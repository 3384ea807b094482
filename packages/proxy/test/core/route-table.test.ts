/** The table changes in place: whatever order things come in, it says what one made at once would say. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  keyOfDeployment,
  keyOfRoute,
  type BookUpdate,
  type Deployment,
  type Endpoint,
  type Route,
} from "@propagit/protocol";
import { decide } from "../../src/core/decision.js";
import { RouteTable } from "../../src/core/route-table.js";
import { decodeTable, encodeTable } from "../../src/core/saved-table.js";
import {
  ask,
  outcome,
  outcomeOf,
  position,
  requestTo,
  situationOf,
  tableOf,
  visitorNumber,
} from "../support/decisions.js";
import { commitA, commitB, commitC, endpointOf, routeOf } from "../support/samples.js";

const noChange = { routes: [], deployments: [], droppedRoutes: [], droppedDeployments: [] };
const change = (over: Partial<BookUpdate & { kind: "change" }>): BookUpdate => ({
  kind: "change",
  revision: 2,
  ...noChange,
  ...over,
});

type Step =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "drop-route"; readonly key: string }
  | { readonly kind: "deployment"; readonly deployment: Deployment }
  | { readonly kind: "drop-deployment"; readonly key: string }
  | { readonly kind: "up" | "down"; readonly endpoint: Endpoint }
  | { readonly kind: "leave"; readonly address: string };

const commits = fc.constantFrom(commitA, commitB, commitC);
const places = fc.record({
  repo: fc.constantFrom("webapp", "Webapp", "shop"),
  environment: fc.constantFrom("production", "staging"),
});
const ids = fc.constantFrom("1".repeat(16), "2".repeat(16), "3".repeat(16));
const routes: fc.Arbitrary<Route> = fc
  .tuple(
    places,
    fc.uniqueArray(commits, { minLength: 0, maxLength: 2 }),
    fc.option(ids, { nil: undefined }),
    fc.subarray([
      { host: "www.example.com" },
      { host: "www.example.com", path: "/shop", rewrite: "/" },
      { host: "*.example.com", rules: { deny: ["192.0.2.0/24"] } },
    ]),
  )
  .map(([place, shared, deployment, hosts]) => ({
    ...place,
    shares: shared.map((commit) => ({ commit, weight: 1, ...(deployment && { deployment }) })),
    hosts,
  }));
const deployments: fc.Arbitrary<Deployment> = fc
  .tuple(places, commits, fc.integer({ min: 1, max: 3 }), ids)
  .map(([place, commit, release, id]) => ({
    ...place,
    commit,
    release,
    id,
    branches: [`b-${commit.slice(0, 1)}`],
  }));
const endpoints: fc.Arbitrary<Endpoint> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), commits, fc.option(ids, { nil: undefined }))
  .map(([port, commit, deployment]) =>
    endpointOf(port, { commit, meta: deployment === undefined ? {} : { deployment } }),
  );
const steps: fc.Arbitrary<Step> = fc.oneof(
  routes.map((route): Step => ({ kind: "route", route })),
  places.map((place): Step => ({ kind: "drop-route", key: keyOfRoute(place) })),
  deployments.map((deployment): Step => ({ kind: "deployment", deployment })),
  deployments.map((one): Step => ({ kind: "drop-deployment", key: keyOfDeployment(one) })),
  endpoints.map((endpoint): Step => ({ kind: "up", endpoint })),
  endpoints.map((endpoint): Step => ({ kind: "down", endpoint })),
  fc
    .constantFrom("127.0.0.1:1", "127.0.0.1:2")
    .map((address): Step => ({ kind: "leave", address })),
);

function apply(table: RouteTable, step: Step, now: number): void {
  switch (step.kind) {
    case "route":
      return table.takeBook(change({ routes: [step.route] }), now);
    case "drop-route":
      return table.takeBook(change({ droppedRoutes: [step.key] }), now);
    case "deployment":
      return table.takeBook(change({ deployments: [step.deployment] }), now);
    case "drop-deployment":
      return table.takeBook(change({ droppedDeployments: [step.key] }), now);
    case "up":
      return table.takeEndpoints([{ kind: "up", at: position, endpoint: step.endpoint }], now);
    case "down": {
      const down = {
        kind: "down",
        at: position,
        endpoint: step.endpoint,
        reason: "freed",
      } as const;
      return table.takeEndpoints([down], now);
    }
    case "leave":
      return table.leave([step.address]);
    default:
      return step satisfies never;
  }
}

const hosts = [
  "webapp.localhost",
  "shop.localhost",
  "staging--webapp.localhost",
  "aaaaaaa--webapp.localhost",
  "bbbbbbb--shop.localhost",
  "b-c--webapp.localhost",
  "www.example.com",
  "x.example.com",
];

/** What a table says about everything that can be asked of it. Which of several endpoints is a matter of chance. */
function sayings(table: RouteTable, now = 0): readonly string[] {
  return hosts.flatMap((host) =>
    ["/", "/shop/cart"].flatMap((target) =>
      [1, 2, 3].map((visitor) => {
        const request = requestTo(host, { target, headers: { cookie: visitorNumber(visitor) } });
        const decision = decide(situationOf(table, { now }), request);
        if (decision.kind !== "forward") return String(outcomeOf(decision));
        return `${decision.place.key} ${decision.target.commit} ${decision.requestTarget ?? ""}`;
      }),
    ),
  );
}

describe("a table that changed step by step", () => {
  it("says what one that was made at once says", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (taken) => {
        const table = tableOf({ routes: [], endpoints: [] });
        const leaving = new Set<string>();
        for (const [index, step] of taken.entries()) {
          // Far apart, so that nobody is sent where he went before a switch.
          apply(table, step, index * 10_000);
          if (step.kind === "leave" && table.stateOf(step.address)) leaving.add(step.address);
          if (step.kind === "up" || step.kind === "down") {
            leaving.delete(`127.0.0.1:${step.endpoint.port}`);
          }
        }
        const now = taken.length * 10_000;
        const saved = table.snapshot();
        const fresh = RouteTable.restore({ ...saved, book: sorted(saved.book) });
        fresh.leave(leaving);
        assert.deepEqual(sayings(fresh), sayings(table, now));
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  it("says after a snapshot only what that says", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 30 }), routes, deployments, (taken, route, one) => {
        const table = tableOf({ routes: [], endpoints: [] });
        for (const [index, step] of taken.entries()) apply(table, step, index * 10_000);
        const book = { routes: [route], deployments: [one] };
        table.takeBook({ kind: "snapshot", book: "other", revision: 1, ...book }, 1_000_000);
        assert.deepEqual(table.snapshot().book, { revision: 1, ...book });
        assert.deepEqual(table.position, { book: "other", revision: 1 });
      }),
      { seed: 9, numRuns: 200 },
    );
  });
});

function sorted(book: ReturnType<RouteTable["snapshot"]>["book"]): typeof book {
  return { ...book, routes: book.routes.toReversed(), deployments: book.deployments.toReversed() };
}

describe("a share that says no deployment", () => {
  it("means those that run, and any when nobody says which there are", () => {
    const [one, two] = ["1".repeat(16), "2".repeat(16)];
    const deployment = { repo: "webapp", environment: "production", commit: commitA, id: one };
    const endpoints = [endpointOf(2, { meta: { deployment: two } })];
    const table = tableOf({ deployments: [deployment], endpoints });
    assert.match(String(outcome(table)), /^NO_ENDPOINT/);
    table.takeBook(change({ droppedDeployments: [one] }), 0);
    assert.equal(outcome(table), 2);
    table.takeBook(change({ deployments: [{ ...deployment, id: two }] }), 0);
    assert.equal(outcome(table), 2);
  });
});

describe("a book in pieces", () => {
  const piece = (repo: string, more: boolean): BookUpdate => ({
    kind: "snapshot",
    book: "b",
    revision: 7,
    routes: [{ ...routeOf([commitA, 1]), repo }],
    deployments: [],
    ...(more && { more }),
  });

  it("changes nothing before the last one came", () => {
    const table = tableOf({});
    table.takeBook(piece("shop", true), 0);
    assert.equal(outcome(table, "webapp.localhost"), 1);
    assert.match(String(outcome(table, "shop.localhost")), /^NO_ROUTE/);
    table.takeBook(piece("cart", false), 0);
    assert.deepEqual([outcome(table, "shop.localhost"), outcome(table, "cart.localhost")], [1, 1]);
    assert.match(String(outcome(table, "webapp.localhost")), /^NO_ROUTE/);
  });

  it("leads nobody before the first one is whole, nor by what broke off", () => {
    const table = new RouteTable();
    table.takeEndpoints([{ kind: "up", at: position, endpoint: endpointOf(1) }], 0);
    table.takeBook(piece("shop", true), 0);
    assert.match(String(outcome(table, "shop.localhost")), /^NO_ROUTE/);
    assert.deepEqual([table.hasBook, table.position, table.pieces.length], [false, undefined, 1]);
    table.takeBook({ ...piece("cart", true), revision: 8 }, 0);
    table.takeBook({ ...piece("webapp", false), revision: 8 }, 0);
    assert.match(String(outcome(table, "shop.localhost")), /^NO_ROUTE/);
    assert.deepEqual([outcome(table, "cart.localhost"), outcome(table)], [1, 1]);
    assert.deepEqual([table.hasBook, table.pieces.length], [true, 0]);
  });

  it("that broke off is forgotten for the next one", () => {
    const table = tableOf({});
    table.takeBook(piece("shop", true), 0);
    const next = { ...piece("cart", false), revision: 8 };
    table.takeBook(next, 0);
    assert.match(String(outcome(table, "shop.localhost")), /^NO_ROUTE/);
    assert.equal(outcome(table, "cart.localhost"), 1);
  });
});

describe("addresses that are about to go", () => {
  const endpoints = [endpointOf(1), endpointOf(2)];

  it("are as if they were gone, until the registry says something of them", () => {
    const table = tableOf({ endpoints });
    table.leave(["127.0.0.1:1", "127.0.0.1:9"]);
    assert.equal(outcome(table), 2);
    table.leave(["127.0.0.1:2"]);
    assert.match(String(outcome(table)), /^NO_ENDPOINT/);
    assert.equal(table.hasEndpoint({ repo: "webapp", commit: commitA }, "http"), false);
    table.takeEndpoints([{ kind: "up", at: position, endpoint: endpointOf(2) }], 0);
    assert.match(String(outcome(table)), /^NO_ENDPOINT/, "nothing new was said");
    const again = endpointOf(2, { meta: { process: "2" } });
    table.takeEndpoints([{ kind: "up", at: position, endpoint: again }], 0);
    assert.equal(outcome(table), 2);
    assert.equal(table.hasEndpoint({ repo: "webapp", commit: commitA }, "http"), true);
    assert.equal(table.hasEndpoint({ repo: "webapp", commit: commitA }, "say"), false);
  });
});

describe("an address with two records that is about to go", () => {
  it("is back for the one when the other is told to be gone: somebody still is there", () => {
    const table = tableOf({ endpoints: [endpointOf(1), endpointOf(1, { id: "alias" })] });
    table.leave(["127.0.0.1:1"]);
    assert.match(String(outcome(table)), /^NO_ENDPOINT/);
    const down = { kind: "down", at: position, endpoint: endpointOf(1), reason: "freed" } as const;
    table.takeEndpoints([down], 0);
    assert.equal(outcome(table), 1);
  });
});

describe("a saved table", () => {
  it("says the same after a restart, with what is not registered now still known by name", () => {
    const http = endpointOf(1);
    const say = endpointOf(2, { service: "say" });
    const table = tableOf({ endpoints: [say], earlier: [http] });
    const decoded = decodeTable(encodeTable(table.snapshot()));
    assert.ok(decoded.ok);
    const restored = RouteTable.restore(decoded.value);
    assert.deepEqual(restored.position, { book: "book", revision: 1 });
    assert.match(String(outcome(restored)), /of its services only "say" is registered now/);
    assert.equal(outcome(restored), outcome(table));
    assert.deepEqual(restored.snapshot(), table.snapshot());
  });

  it("keeps its endpoints until the registry says that they are gone", () => {
    const restored = RouteTable.restore(tableOf({}).snapshot());
    const snapshot = { kind: "snapshot", at: position, endpoints: [] as Endpoint[] } as const;
    restored.takeEndpoints([{ ...snapshot, settled: false }], 0);
    assert.equal(outcome(restored), 1);
    restored.takeEndpoints([{ kind: "settled", at: position }], 0);
    assert.match(String(outcome(restored)), /^NO_ENDPOINT/);
  });
});

describe("a change", () => {
  const number = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const routeAt = (index: number, weight: number): Route => ({
    repo: `app-${index}`,
    shares: [{ commit: number(index, 40), weight }],
    hosts: [{ host: `www${index}.example.com` }, { host: "shared.example.com", path: `/${index}` }],
  });
  const large = (count: number): RouteTable => {
    const indices = Array.from({ length: count }, (_, index) => index);
    const table = new RouteTable();
    const routes = indices.map((index) => ({
      ...routeAt(index, 1),
      hosts: [{ host: `www${index}.example.com` }],
    }));
    table.takeBook({ kind: "snapshot", book: "b", revision: 1, routes, deployments: [] }, 0);
    const endpoints = indices.map((index) => endpointOf(index + 1, { commit: number(index, 40) }));
    const snapshot = { kind: "snapshot", at: position, settled: true, endpoints } as const;
    table.takeEndpoints([snapshot], 0);
    return table;
  };

  it("of one route touches no other one's entries", () => {
    const table = large(200);
    const wayTo = (index: number) => table.lookUp(`www${index}.example.com`).places[0];
    const before = [1, 2, 3].map(wayTo);
    const route = { ...routeAt(2, 5), hosts: [{ host: "www2.example.com" }] };
    table.takeBook(change({ routes: [route] }), 0);
    const isSame = [1, 2, 3].map((index, at) => wayTo(index) === before[at]);
    assert.deepEqual(isSame, [true, false, true]);
  });

  it("that says the same again changes nothing", () => {
    const table = large(3);
    const before = table.lookUp("www1.example.com");
    const { routes } = table.snapshot().book;
    table.takeBook({ kind: "snapshot", book: "b", revision: 9, routes, deployments: [] }, 0);
    assert.equal(table.lookUp("www1.example.com"), before);
  });

  it("costs much the same among ten and among ten thousand routes", () => {
    const cost = (count: number): number => {
      const table = large(count);
      const times: number[] = [];
      for (let round = 0; round < 400; round++) {
        const index = round % Math.min(count, 10);
        const endpoint = endpointOf(index + 1, { commit: number(index, 40) });
        const start = performance.now();
        table.takeBook(change({ routes: [{ ...routeAt(index, round + 2), hosts: [] }] }), 0);
        const down = { kind: "down", at: position, endpoint, reason: "freed" } as const;
        table.takeEndpoints([down, { kind: "up", at: position, endpoint }], 0);
        times.push(performance.now() - start);
      }
      return times.sort((left, right) => left - right)[200] ?? 0;
    };
    cost(10);
    const [few, many] = [cost(10), cost(10_000)];
    // A rebuild would cost a thousand times more; the processor's caches may make it a few times.
    assert.ok(many < few * 20, `${few} ms among 10, ${many} ms among 10,000`);
  });

  it("frees what nobody needs any more", () => {
    const table = large(50);
    const droppedRoutes = Array.from({ length: 50 }, (_, index) => `app-${index}/production`);
    table.takeBook(change({ droppedRoutes }), 0);
    const gone = {
      kind: "snapshot",
      at: position,
      settled: true,
      endpoints: [] as Endpoint[],
    } as const;
    table.takeEndpoints([gone], 0);
    const { book, endpoints, names } = table.snapshot();
    assert.deepEqual([book.routes, endpoints, names.size, table.addresses.size], [[], [], 0, 0]);
    assert.equal(ask(table, "app-1.localhost").kind, "refuse");
  });
});
