import assert from "node:assert/strict";
import { test } from "node:test";
import { checkHead, type RequestHead } from "../../src/core/request-head.js";

function check(over: Partial<RequestHead>, ...rawHeaders: readonly string[]) {
  const given = { method: "GET", target: "/", httpVersion: "1.1", ...over };
  return checkHead({ ...given, rawHeaders: ["Host", "webapp", ...rawHeaders] });
}

const reasonOf = (checked: ReturnType<typeof check>) => (checked.ok ? undefined : checked.reason);

test("takes host, path, cookies and whether there is a body", () => {
  const checked = check({ target: "/a?b" }, "COOKIE", "a=1", "cookie", "b=2");
  assert.deepEqual(checked, {
    ok: true,
    host: "webapp",
    path: "/a?b",
    cookie: "a=1; b=2",
    hasBody: false,
  });
  const hasBody = (...headers: readonly string[]) => {
    const one = check({}, ...headers);
    return one.ok && one.hasBody;
  };
  assert.equal(hasBody("Content-Length", "0"), false);
  assert.equal(hasBody("Content-Length", "1"), true);
  assert.equal(hasBody("transfer-encoding", "Chunked"), true);
});

test("reads absolute targets, and only those of HTTP", () => {
  const read = (target: string) => {
    const checked = check({ target });
    return checked.ok ? [checked.host, checked.path] : undefined;
  };
  assert.deepEqual(read("http://other:80/x?y"), ["other:80", "/x?y"]);
  assert.deepEqual(read("HTTPS://other"), ["other", "/"]);
  assert.deepEqual(read("http://other?y"), ["other", "/?y"]);
  for (const target of ["ftp://a/", "http://user@a/", "*", "a", "/ a", "/a\x7f\u0100", "http://"]) {
    assert.equal(read(target), undefined, target);
  }
});

test("refuses every second way to read a request, with the reason", () => {
  assert.equal(reasonOf(check({}, "host", "other")), "it has more than one Host");
  const both = check({}, "Content-Length", "1", "Transfer-Encoding", "chunked");
  assert.equal(reasonOf(both), "it has both Content-Length and Transfer-Encoding");
  const old = check({ httpVersion: "1.0" }, "Transfer-Encoding", "chunked");
  assert.equal(reasonOf(old), "Transfer-Encoding is not of HTTP/1.0");
  for (const coding of ["gzip", "gzip, chunked", "chunked, chunked", "chunked ", "xchunked", ""]) {
    const reason = reasonOf(check({}, "Transfer-Encoding", coding));
    assert.equal(reason, "its Transfer-Encoding is not chunked", coding);
  }
  for (const length of ["+1", "-1", "1, 1", "0x1", "1 ", "", "9".repeat(16)]) {
    const reason = reasonOf(check({}, "Content-Length", length));
    assert.equal(reason, "its Content-Length is wrong", length);
  }
  const twice = check({}, "Content-Length", "1", "Content-Length", "1");
  assert.equal(reasonOf(twice), "its Content-Length is wrong");
});
