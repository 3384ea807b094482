import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { RouteTable } from "../../src/core/route-table.js";
import { parseStandaloneRoute } from "../../src/core/standalone.js";
import { forwarded, ask, outcome, position } from "../support/decisions.js";
import { commitA, endpointOf } from "../support/samples.js";

const endpoints = [
  endpointOf(1, { version: "1.4.0" }),
  endpointOf(2, { version: "2.0.0" }),
  endpointOf(3, { service: "api", version: "0.0.0" }),
];

function tableFor(...routes: readonly string[]): RouteTable {
  const table = new RouteTable();
  const snapshot = { kind: "snapshot", at: position, settled: true } as const;
  table.takeEndpoints([{ ...snapshot, endpoints }], 0);
  table.takeStandalone(routes.map(parseStandaloneRoute));
  return table;
}

describe("a route of a command line", () => {
  const table = tableFor(
    "Beep.example=http@1.x",
    "beep.example/api=api",
    "*.boop.example=http@>=2.0.0",
    "gone.example=http@3.x",
  );

  it("leads to the endpoints that fit its query, by host, wildcard and path", () => {
    assert.equal(outcome(table, "beep.example", "/"), 1);
    assert.equal(outcome(table, "beep.example:8000", "/api/x"), 3);
    assert.equal(outcome(table, "a.boop.example"), 2);
    assert.match(String(outcome(table, "other.example")), /^NO_ROUTE/);
    assert.equal(
      outcome(table, "gone.example"),
      "NO_ENDPOINT no endpoint for http@3.x: none of its services is registered",
    );
  });

  it("follows the registry", () => {
    const own = tableFor("beep.example=http");
    const down = { kind: "down", at: position, reason: "freed" } as const;
    for (const endpoint of endpoints.slice(0, 2)) own.takeEndpoints([{ ...down, endpoint }], 0);
    assert.match(String(outcome(own, "beep.example")), /^NO_ENDPOINT/);
    own.takeEndpoints([{ kind: "up", at: position, endpoint: endpointOf(7) }], 0);
    assert.equal(outcome(own, "beep.example"), 7);
    own.leave(["127.0.0.1:7"]);
    assert.match(String(outcome(own, "beep.example")), /^NO_ENDPOINT/);
  });

  it("says the commit of whoever answers", () => {
    const { answerEdits } = forwarded(ask(table, "beep.example"));
    assert.equal(answerEdits.lines, `x-propagit-commit: ${commitA}\r\n`);
  });

  it("may be for every host that nothing else is for", () => {
    const own = tableFor("*=api", "beep.example=http@1.x");
    assert.equal(outcome(own, "anything.example"), 3);
    assert.equal(outcome(own, "127.0.0.1:8000"), 3);
    assert.equal(outcome(own, ""), 3);
    assert.equal(outcome(own, "beep.example"), 1);
  });

  it("is replaced by the next ones", () => {
    const own = tableFor("beep.example=http@1.x");
    own.takeStandalone([parseStandaloneRoute("beep.example=api")]);
    assert.equal(outcome(own, "beep.example"), 3);
  });

  for (const text of ["", "beep.example", "=http", "a b=http", "beep.example=", "*.*=http"]) {
    it(`is refused when it is ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseStandaloneRoute(text),
        (error: unknown) => error instanceof PropagitError && error.code === "BAD_USAGE",
      );
    });
  }
});
