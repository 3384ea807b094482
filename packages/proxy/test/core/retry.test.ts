import assert from "node:assert/strict";
import { test } from "node:test";
import { mayRetry, type Failure } from "../../src/core/retry.js";

const get: Failure = {
  method: "GET",
  hasBody: false,
  attempt: 1,
  wasSent: false,
  wasAnswered: false,
};

test("tries anything once more when nothing was sent", () => {
  assert.equal(mayRetry({ ...get, method: "POST", hasBody: true }), true);
});

test("tries once more what was sent only when doing it twice is doing it once", () => {
  const sent = { ...get, wasSent: true };
  const tried = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"].filter((method) =>
    mayRetry({ ...sent, method }),
  );
  assert.deepEqual(tried, ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
  assert.equal(mayRetry({ ...sent, method: "PUT", hasBody: true }), false);
});

test("never tries a third time, nor when an answer has begun", () => {
  assert.equal(mayRetry({ ...get, attempt: 2 }), false);
  assert.equal(mayRetry({ ...get, wasSent: true, wasAnswered: true }), false);
});
