import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGitRequest, safeGitProtocol, speaksVersion2 } from "../../src/core/git-request.js";

test("the three requests of smart HTTP are known, for any name below the root", () => {
  assert.deepEqual(parseGitRequest("GET", "/webapp/info/refs?service=git-upload-pack"), {
    kind: "advertise",
    service: "git-upload-pack",
    repo: "webapp",
  });
  assert.deepEqual(parseGitRequest("GET", "/webapp.git/info/refs?service=git-receive-pack"), {
    kind: "advertise",
    service: "git-receive-pack",
    repo: "webapp.git",
  });
  assert.deepEqual(parseGitRequest("POST", "/a/b%20c/git-upload-pack"), {
    kind: "exchange",
    service: "git-upload-pack",
    repo: "a/b c",
  });
});

test("dots in a path are part of the name, which then is refused, and never climb", () => {
  const request = parseGitRequest("GET", "/../../etc/info/refs?service=git-upload-pack");
  assert.equal(request.kind === "advertise" && request.repo, "../../etc");
});

test("everything else is somebody else's", () => {
  for (const url of [
    "/",
    "/info/refs",
    "//info/refs",
    "/webapp",
    "/v1/records",
    "/x/objects/ab/cd",
  ]) {
    assert.equal(parseGitRequest("GET", url).kind, "other", url);
  }
});

test("wrong methods, services and encodings are refused with a status", () => {
  const cases: [method: string, url: string, status: number][] = [
    ["POST", "/webapp/info/refs?service=git-upload-pack", 405],
    ["GET", "/webapp/git-upload-pack", 405],
    ["GET", "/webapp/info/refs", 403],
    ["GET", "/webapp/info/refs?service=git-archive", 403],
    ["GET", "/%E0%A4%A/info/refs?service=git-upload-pack", 400],
  ];
  for (const [method, url, status] of cases) {
    const request = parseGitRequest(method, url);
    assert.equal(request.kind === "refused" && request.status, status, url);
  }
});

test("only fetches have a second version of the protocol", () => {
  assert.equal(speaksVersion2("git-upload-pack", "version=2"), true);
  assert.equal(speaksVersion2("git-upload-pack", "a=b:version=2"), true);
  assert.equal(speaksVersion2("git-upload-pack", "version=1"), false);
  assert.equal(speaksVersion2("git-upload-pack", undefined), false);
  assert.equal(speaksVersion2("git-receive-pack", "version=2"), false);
});

test("what a client says of the protocol reaches git's environment only when it is harmless", () => {
  assert.equal(safeGitProtocol("version=2:object-format=sha1"), "version=2:object-format=sha1");
  for (const header of ["version=2\n", "$(id)", "a b", "", "x".repeat(201), undefined]) {
    assert.equal(safeGitProtocol(header), undefined);
  }
});
