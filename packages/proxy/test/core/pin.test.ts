import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide, decideAgain } from "../../src/core/decision.js";
import { withoutPin } from "../../src/core/pin.js";
import {
  ask,
  forwarded,
  portOf,
  refused,
  requestTo,
  situationOf,
  tableOf,
  type Asked,
  type Given,
} from "../support/decisions.js";
import { commitA, commitB, commitC, endpointOf, routeOf } from "../support/samples.js";

const deployments = [commitA, commitB].map((commit) => ({ repo: "webapp", commit }));
const staging = { repo: "webapp", environment: "staging", commit: commitC };
const given: Given = {
  routes: [{ ...routeOf([commitA, 1]), rules: { pins: true } }],
  deployments: [...deployments, staging],
  endpoints: [
    endpointOf(1),
    endpointOf(2, { commit: commitB }),
    endpointOf(3, { commit: commitC }),
  ],
};
const table = tableOf(given);

function asked(over: Asked, from: Given = given) {
  const decision = forwarded(ask(tableOf(from), "webapp.localhost", over));
  const lines = decision.answerEdits.lines.split("\r\n");
  return {
    port: portOf(decision),
    cookie: lines.find((line) => line.startsWith("Set-Cookie: "))?.slice("Set-Cookie: ".length),
    said: lines.find((line) => line.startsWith("x-propagit-pin: ")),
    target: decision.requestTarget,
    how: decision.how,
  };
}

const pinned = `propagit-pin=${commitB}; Path=/; HttpOnly; SameSite=Lax`;

describe("a pin", () => {
  it("in a header is followed and kept for the session", () => {
    const headers = { "x-propagit-commit": "BBBBBBB" };
    assert.deepEqual(asked({ headers }), {
      port: 2,
      cookie: pinned,
      said: undefined,
      target: undefined,
      how: "pin",
    });
  });

  it("in the query is followed, kept, and not seen by the app", () => {
    const { port, cookie, target } = asked({ target: "/shop?a=1&propagit=bbbb&b=2" });
    assert.deepEqual([port, cookie, target], [2, pinned, "/shop?a=1&b=2"]);
  });

  it("in the cookie is followed and not renewed", () => {
    const { port, cookie } = asked({ headers: { cookie: `propagit-pin=${commitB}` } });
    assert.deepEqual([port, cookie], [2, undefined]);
  });

  it("in a header comes before the query, and that before the cookie", () => {
    const cookie = `propagit-pin=${commitB}`;
    const target = "/?propagit=aaaa";
    assert.equal(asked({ target, headers: { cookie } }).port, 1);
    const headers = { cookie, "x-propagit-commit": "bbbb" };
    assert.equal(asked({ target, headers }).port, 2);
  });

  it("lets go when it is empty", () => {
    const headers = { cookie: `propagit-pin=${commitB}` };
    for (const over of [
      { target: "/?propagit=", headers },
      { headers: { ...headers, "x-propagit-commit": "" } },
    ]) {
      const { port, cookie, said } = asked(over);
      const cleared = "propagit-pin=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
      assert.deepEqual([port, cookie, said], [1, cleared, undefined]);
    }
  });

  it("to what does not run falls back and says so, showing nothing dangerous", () => {
    for (const [prefix, said] of [
      ["eeeeeee", "gone eeeeeee"],
      ["<script>", "gone ?script?"],
      ["bb", "gone bb"],
      ["cccccccc", "gone cccccccc"],
    ] as const) {
      const outcome = asked({ headers: { "x-propagit-commit": prefix } });
      assert.deepEqual(outcome, {
        port: 1,
        cookie: undefined,
        said: `x-propagit-pin: ${said}`,
        target: undefined,
        how: "shares",
      });
    }
  });

  it("to what runs and does not answer falls back as well", () => {
    const [first] = given.endpoints ?? [];
    assert.ok(first);
    const { port, said } = asked(
      { headers: { cookie: `propagit-pin=${commitB}` } },
      { ...given, endpoints: [first] },
    );
    assert.deepEqual([port, said], [1, `x-propagit-pin: gone ${commitB}`]);
  });

  it("does nothing where the route does not allow it", () => {
    const routes = [routeOf([commitA, 1])];
    const target = "/?propagit=bbbb";
    const headers = { "x-propagit-commit": "bbbb", cookie: `propagit-pin=${commitB}` };
    const outcome = asked({ target, headers }, { ...given, routes });
    assert.deepEqual([outcome.port, outcome.cookie, outcome.target], [1, undefined, undefined]);
  });

  it("is not answered with another version when the one it names fails", () => {
    const situation = situationOf(table);
    const request = requestTo("webapp.localhost", { headers: { "x-propagit-commit": "bbbb" } });
    const forwarding = forwarded(decide(situation, request));
    const tried = [forwarding.target.address];
    const again = decideAgain(situation, request, { forwarding, sent: true, tried });
    assert.equal(refused(again).code, "NO_ENDPOINT");
  });
});

describe("an endpoint that is about to go", () => {
  it("keeps nobody: pins to it fall back and are not renewed", () => {
    const draining = tableOf(given);
    draining.leave(["127.0.0.1:2"]);
    const headers = { "x-propagit-commit": "bbbb" };
    const decision = forwarded(ask(draining, "webapp.localhost", { headers }));
    assert.equal(portOf(decision), 1);
    assert.doesNotMatch(decision.answerEdits.lines, /Set-Cookie/);
  });
});

describe("a caller of the same repository", () => {
  const headers = { "x-propagit-caller-commit": commitB };
  const from = (address: string, over: Given = given) =>
    forwarded(ask(tableOf(over), "webapp.localhost", { address, headers }));
  const unpinned = { ...given, routes: [routeOf([commitA, 1])] };

  it("gets its own release, when it comes from where endpoints run", () => {
    const decision = from("127.0.0.1", unpinned);
    assert.deepEqual([portOf(decision), decision.how], [2, "caller"]);
    assert.equal(portOf(from("198.51.100.1", unpinned)), 1);
    assert.equal(portOf(from("198.51.100.1")), 2);
  });

  it("falls back to what everybody gets and is told", () => {
    const [first] = given.endpoints ?? [];
    assert.ok(first);
    const decision = from("127.0.0.1", { ...unpinned, endpoints: [first] });
    assert.equal(portOf(decision), 1);
    assert.ok(decision.answerEdits.lines.includes(`x-propagit-caller-commit: gone ${commitB}\r\n`));
  });
});

describe("the parameter of a pin", () => {
  for (const [target, without] of [
    ["/", "/"],
    ["/?propagit=a", "/"],
    ["/?propagit", "/"],
    ["/?x=propagit=a", "/?x=propagit=a"],
    ["/propagit=a", "/propagit=a"],
    ["/?propagit=a&propagit=b&c", "/?c"],
    ["/?propagitate=1", "/?propagitate=1"],
  ] as const) {
    it(`leaves ${without} of ${target}`, () => assert.equal(withoutPin(target), without));
  }
});
