import assert from "node:assert/strict";
import { test } from "node:test";
import { readCookie } from "../../src/core/cookie.js";
import { compilePolicy, defaultPolicy } from "../../src/core/policy.js";
import { readVisitor, writeVisitor } from "../../src/core/visitor.js";
import { requestTo } from "../support/decisions.js";

const id = "0123456789abcdef".repeat(2);
const policy = defaultPolicy("secret");

const visitorIn = (cookie: string) =>
  readVisitor(requestTo("webapp", { headers: { cookie } }), policy);

test("reads back what it wrote, among other cookies", () => {
  const [pair = ""] = writeVisitor(id).split(";");
  for (const cookie of [pair, `a=b; ${pair}`, `${pair};c=d`, `a="x;y";${pair}`, `  ${pair}  `]) {
    assert.equal(visitorIn(cookie), id, cookie);
  }
});

test("takes nothing that it did not write", () => {
  for (const cookie of [
    "",
    "propagit-visitor",
    "propagit-visitor=",
    `propagit-visitor=${id}0`,
    `propagit-visitor=${id.toUpperCase()}`,
    `x-propagit-visitor=${id}`,
    `propagit-visitor2=${id}`,
    `a=propagit-visitor=${id}`,
  ]) {
    assert.equal(visitorIn(cookie), undefined, cookie);
  }
  assert.equal(readVisitor(requestTo("webapp"), policy), undefined);
});

test("goes by what the app names first, and by its own where that is missing or endless", () => {
  const named = compilePolicy({ rules: { visitor: { header: "X-User" } }, secret: "" });
  const of = (user: string) =>
    readVisitor(
      requestTo("webapp", { headers: { "x-user": user, cookie: `propagit-visitor=${id}` } }),
      named,
    );
  assert.equal(of("ann"), "ann");
  assert.equal(of(""), id);
  assert.equal(of("x".repeat(4_097)), id);
});

test("finds cookies whose name is a part of another's", () => {
  const header = 'pin=0; my-pin=1; pin2=2; p="3"; pi=4';
  const names = ["pin", "my-pin", "pin2", "p", "pi", "in"];
  assert.deepEqual(
    names.map((name) => readCookie(header, name)),
    ["0", "1", "2", "3", "4", undefined],
  );
});
