import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findKnown, headerIs, headerOf, rawHeadersOf } from "../../src/core/fields.js";
import { identify, identifyText, known, lookalike } from "../../src/core/known-names.js";
import { isIdempotent, methodIdOf, methodIds, methodName } from "../../src/core/methods.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { bodyBytesOf } from "../../src/core/request-views.js";
import { headOf, latin1 } from "../support/parsed.js";

const bytes = latin1(
  headOf("PUT / HTTP/1.1", "Host: a", "Cookie: a=b", "Accept: x", "cookie: c", "accept: y", "X:"),
);
const head = new RequestHead();
parseRequestHead(bytes, 0, bytes.length, head);

describe("fields", () => {
  it("are found by name, several as one", () => {
    assert.equal(headerOf(bytes, head, "cookie"), "a=b; c");
    assert.equal(headerOf(bytes, head, "accept"), "x, y");
    assert.equal(headerOf(bytes, head, "x"), "");
    assert.equal(headerOf(bytes, head, "y"), undefined);
    assert.equal(headerIs(bytes, head, findKnown(head, known.host), "a"), true);
    assert.equal(findKnown(head, known.upgrade), -1);
    assert.deepEqual(rawHeadersOf(bytes, head).slice(-4), ["accept", "y", "X", ""]);
    assert.equal(bodyBytesOf(head), 0);
  });
});

describe("known names", () => {
  it("are told apart whatever their case, from all that differs in a byte", () => {
    for (const [name, id] of Object.entries(known)) {
      if (name.endsWith("*")) continue;
      assert.equal(identifyText(name), id);
      for (const form of [name, name.toUpperCase(), name.replaceAll("-", "_")]) {
        const expected = form.includes("_") ? id + lookalike : id;
        assert.equal(identify(latin1(form), 0, form.length), expected, form);
      }
      for (let at = 0; at < name.length; at++) {
        const other = `${name.slice(0, at)}~${name.slice(at + 1)}`;
        const isPrefixed = other.startsWith("x-forwarded-");
        assert.equal(identify(latin1(other), 0, other.length), isPrefixed ? 20 : 0, other);
      }
    }
    assert.equal(identify(latin1("X-Forwarded-Server"), 0, 18), known["x-forwarded-*"]);
    assert.equal(identify(latin1("X-Forwarded"), 0, 11), 0);
  });
});

describe("methods", () => {
  it("have numbers and names, and some may be sent twice", () => {
    assert.equal(methodName(methodIds.PATCH), "PATCH");
    assert.equal(methodName(0), undefined);
    assert.equal(methodIdOf("get"), 0);
    assert.equal(methodIdOf("GET"), methodIds.GET);
    assert.deepEqual(["PUT", "POST", "PATCH", "get"].map(isIdempotent), [
      true,
      false,
      false,
      false,
    ]);
  });
});
