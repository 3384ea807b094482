import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  encodeFilesManifest,
  filesRepo,
  isOwner,
  parseFilesManifest,
  parseRepoName,
  parseStoredRepoName,
  PropagitError,
  storedName,
  storedPath,
  type FilesManifest,
} from "../src/index.js";

const blob = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";
const head = '{"files":1,"mode":493}\n';
/** Names as a disk has them: any bytes but slash and zero. */
const diskName = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"))
  .filter((name) => !/[/\0]/.test(name) && name !== "." && name !== "..");

describe("a manifest of files", () => {
  const manifest: FilesManifest = {
    head: { owner: "www:www", mode: 0o750 },
    entries: [
      { kind: "folder", path: "a b", mode: 0o755 },
      { kind: "file", path: "a b/new\nline.txt", mode: 0o644, bytes: 12, blob },
      { kind: "file", path: "a b/gr\xfcn", mode: 0o644, bytes: 0, blob },
      { kind: "link", path: "out", to: "../../etc/passwd" },
      { kind: "folder", path: ".git", mode: 0o700 },
    ],
  };

  it("says the same after a journey", () => {
    assert.deepEqual(parseFilesManifest(encodeFilesManifest(manifest)), manifest);
  });

  it("comes back whatever names it has", () => {
    fc.assert(
      fc.property(fc.uniqueArray(diskName, { maxLength: 20 }), (names) => {
        const entries = names.map((path) => ({ kind: "link", path, to: path }) as const);
        const one = { head: { mode: 0o755 }, entries };
        assert.deepEqual(parseFilesManifest(encodeFilesManifest(one)), one);
      }),
    );
  });

  for (const [what, text] of Object.entries({
    "that is cut off": `${head}["d","a",493]`,
    "of another version": '{"files":2,"mode":493}\n',
    "with a path that leads up": `${head}["l","../a","b"]\n`,
    "with an absolute path": `${head}["l","/etc/passwd","b"]\n`,
    "with a dot in a path": `${head}["d","a",493]\n["l","a/./b","b"]\n`,
    "with an empty path": `${head}["l","","b"]\n`,
    "with a zero byte": `${head}["l","a\\u0000","b"]\n`,
    "with a character that is no byte": `${head}["l","\\u0100","b"]\n`,
    "with a name that is too long": `${head}["l","${"a".repeat(256)}","b"]\n`,
    "with a name that is used while files are written": `${head}["d",".propagit-files",493]\n`,
    "with a file in no folder": `${head}["l","a/b","c"]\n`,
    "with a file below a link": `${head}["l","a","/etc"]\n["l","a/b","c"]\n`,
    "with a path twice": `${head}["l","a","/etc"]\n["d","a",493]\n`,
    "that hands out setuid": `${head}["f","a",2541,1,"${blob}"]\n`,
    "with a negative size": `${head}["f","a",420,-1,"${blob}"]\n`,
    "with a blob that is none": `${head}["f","a",420,1,"--help"]\n`,
    "with an owner that is none": '{"files":1,"owner":"a b","mode":493}\n',
    "with a link to nowhere": `${head}["l","a",""]\n`,
    "with an unknown entry": `${head}["x","a",420]\n`,
    "that is no JSON": `${head}a\n`,
  })) {
    it(`${what} is refused`, () => {
      assert.throws(
        () => parseFilesManifest(text),
        (error) => error instanceof PropagitError && error.code === "BAD_FRAME",
      );
    });
  }
});

describe("a stored name", () => {
  it("is the name itself where git has nothing against it", () => {
    for (const name of ["a.txt", "a b", "[x]", "#1", "-f", ".gi", "x.git", "...", "a'b"]) {
      assert.equal(storedName(name), name);
    }
  });

  it("hides what git keeps for itself, or cannot show", () => {
    const names = [
      ".git",
      ".GIT",
      ".gitmodules",
      ".gitattributes",
      "git~1",
      "a\\b",
      "a\nb",
      "\xff",
    ];
    assert.deepEqual(names.map(storedName), [
      "%2egit",
      "%2eGIT",
      "%2egitmodules",
      "%2egitattributes",
      "git%7e1",
      "a%5cb",
      "a%0ab",
      "%ff",
    ]);
  });

  it("is another one for every name, and holds nothing that git refuses", () => {
    fc.assert(
      fc.property(diskName, diskName, (one, other) => {
        assert.equal(storedName(one) === storedName(other), one === other);
        assert.match(storedName(one), /^(?!\.git|\.\.?$)[ !#-.0-[\]-}]+$/i);
      }),
    );
  });

  it("keeps folders apart", () => {
    assert.equal(storedPath(".git/a%b/~c"), "%2egit/a%25b/%7ec");
  });
});

describe("an owner", () => {
  it("is a user, a group or both", () => {
    for (const owner of ["www", "www:www", ":www", "1000:1000", "svc$"]) assert.ok(isOwner(owner));
    for (const owner of ["", "a b", "-x", "a:b:c", "a/b"]) assert.ok(!isOwner(owner), owner);
  });
});

describe("the repository of files", () => {
  it("has a name that no user can have", () => {
    assert.throws(() => parseRepoName(filesRepo));
    assert.equal(parseStoredRepoName(filesRepo), filesRepo);
    assert.equal(parseStoredRepoName("webapp"), "webapp");
    assert.throws(() => parseStoredRepoName("a--b"));
  });
});
