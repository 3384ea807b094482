import assert from "node:assert/strict";
import { it } from "node:test";
import { redactor } from "../../src/index.js";

it("names of secrets stand where they were, the longest first; what is too short is in too many words", () => {
  const redact = redactor(
    new Map([
      ["PART", "abcd"],
      ["WHOLE", "abcd$&efgh"],
      ["SHORT", "is"],
    ]),
  );
  assert.equal(redact("this abcd$&efgh is abcd abcd"), "this $WHOLE is $PART $PART");
  assert.equal(redactor(new Map())("as it is"), "as it is");
});
