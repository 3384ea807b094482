import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCatalogue, PropagitError } from "@propagit/protocol";
import { engineAnswer, errorAnswer, refusalAnswer } from "../src/answers.js";

describe("an answer of the proxy itself", () => {
  it("says the same for an error as for what it says alone", () => {
    const error = new PropagitError("NO_ROUTE", "nobody is at x.example");
    const { code, message } = error;
    assert.deepEqual(errorAnswer({ code, message }, []), errorAnswer(error, []));
    const { hint, status } = errorCatalogue.NO_ROUTE;
    assert.equal(errorAnswer(error, []).body, `NO_ROUTE: nobody is at x.example\n${hint}\n`);
    assert.equal(errorAnswer(error, []).status, status);
  });

  it("has a hint of its own where there is one", () => {
    const error = new PropagitError("OVERLOADED", "no word for 30 s", { hint: "wait" });
    assert.equal(errorAnswer(error, []).body, "OVERLOADED: no word for 30 s\nwait\n");
  });

  it("says with a refusal when to come again, and what is old", () => {
    const answer = refusalAnswer(
      { kind: "refuse", code: "OVERLOADED", message: "busy", retryAfterSeconds: 2 },
      ["hub"],
    );
    assert.equal(answer.status, 503);
    assert.equal(
      answer.headers.join("|"),
      "Content-Type|text/plain; charset=utf-8|Cache-Control|no-store|Retry-After|2|X-Propagit-Stale|hub",
    );
    assert.equal(answer.body, `OVERLOADED: busy\n${errorCatalogue.OVERLOADED.hint}\n`);
  });

  it("has the engine's status, which tells more than the code's", () => {
    const answer = engineAnswer({ kind: "malformed", status: 431, reason: "too long" }, []);
    const { hint } = errorCatalogue.BAD_REQUEST;
    assert.deepEqual(
      [answer.status, answer.body],
      [431, `BAD_REQUEST: this request cannot be taken: too long\n${hint}\n`],
    );
  });
});
