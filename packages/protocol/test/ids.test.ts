import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  formatAddress,
  isCommitHash,
  isLoopback,
  parseAddress,
  parseCommitHash,
  parseDroneName,
  parseLabel,
  parseRepoName,
  parseServiceName,
  PropagitError,
  quote,
  shortCommit,
} from "../src/index.js";

const hash = "74336bc1db98478e02e69f59e7100895be207389";

/** Any text, and texts near the allowed ones. */
const nearly = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[A-Za-z0-9._/-]{0,70}$/),
  fc.stringMatching(/^[a-z.-]{1,8}(\.git){0,2}$/),
);

describe("a repository name", () => {
  it("is the same with and without .git", () => {
    assert.equal(parseRepoName("webapp"), "webapp");
    assert.equal(parseRepoName("webapp.git"), "webapp");
  });

  const bad = ["", ".git", "..", "../etc", "/etc", "a/b", "a..b", "a.", ".a", "-a", "a--b"];
  const worse = ["a b", "a\n", "a\0", "ä", "a.git.git", "x".repeat(51), "a%2fb", "a\\b", "~"];
  for (const text of [...bad, ...worse]) {
    it(`is not ${quote(text)}`, () => {
      assert.throws(() => parseRepoName(text), { code: "BAD_NAME" });
    });
  }

  it("is a single safe path segment that parses to itself, whatever was given", () => {
    fc.assert(
      fc.property(nearly, (text) => {
        const name = attempt(() => parseRepoName(text));
        if (name === undefined) return;
        assert.match(name, /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/);
        assert.ok(!name.includes("..") && !name.includes("--"));
        assert.equal(parseRepoName(name), name);
        assert.equal(parseRepoName(`${name}.git`), name);
      }),
    );
  });
});

describe("a commit hash", () => {
  it("is 40 or 64 lower-case hex characters, digits alone included", () => {
    for (const text of [hash, "1".repeat(40), "f".repeat(64)]) {
      assert.equal(parseCommitHash(text), text);
    }
  });

  for (const text of ["", "74336bc", hash.toUpperCase(), `${hash}0`, "g".repeat(40), `${hash}\n`]) {
    it(`is not ${quote(text)}`, () => {
      assert.equal(isCommitHash(text), false);
      assert.throws(() => parseCommitHash(text), { code: "NO_COMMIT" });
    });
  }

  it("is short in its first seven characters", () => {
    assert.equal(shortCommit(hash), "74336bc");
  });
});

describe("service and drone names", () => {
  for (const parse of [parseServiceName, parseDroneName]) {
    it(`are words of up to 63 characters: ${parse.name}`, () => {
      assert.equal(parse("web-2.eu_1"), "web-2.eu_1");
      for (const text of ["", "-a", "a b", "a/b", "x".repeat(64), "a\n"]) {
        assert.throws(() => parse(text), { code: "BAD_NAME" });
      }
    });
  }
});

describe("a label", () => {
  it("is a key and a value, which may be empty", () => {
    assert.deepEqual(parseLabel("role=web"), { key: "role", value: "web" });
    assert.deepEqual(parseLabel("canary="), { key: "canary", value: "" });
  });

  for (const text of ["", "role", "=web", "ro le=web", "a=b=c", `a=${"x".repeat(64)}`]) {
    it(`is not ${quote(text)}`, () => {
      assert.throws(() => parseLabel(text), { code: "BAD_NAME" });
    });
  }
});

describe("an address", () => {
  const good: readonly (readonly [string, string, number])[] = [
    ["6001", "localhost", 6001],
    ["hubhost:6001", "hubhost", 6001],
    ["10.0.0.1:80", "10.0.0.1", 80],
    ["[::1]:6001", "::1", 6001],
    ["http://localhost:6001/", "localhost", 6001],
  ];
  for (const [text, host, port] of good) {
    it(`is ${text}`, () => assert.deepEqual(parseAddress(text), { host, port }));
  }

  const bad = [
    "",
    "hubhost",
    ":",
    "a:0",
    "a:65536",
    "a:-1",
    "::1:80",
    "a b:80",
    "u@h:80",
    "h=80",
    "1e3",
  ];
  for (const text of bad) {
    it(`is not ${quote(text)}`, () => {
      assert.throws(() => parseAddress(text), { code: "BAD_USAGE" });
    });
  }

  it("is the same again after it was written", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
        assert.deepEqual(parseAddress(formatAddress({ host, port })), { host, port });
      }),
    );
  });

  it("is loopback for names and numbers of this machine only", () => {
    for (const host of ["localhost", "127.0.0.1", "127.3.2.1", "::1"]) assert.ok(isLoopback(host));
    for (const host of ["10.0.0.1", "0.0.0.0", "::", "localhost.example.com", "127.0.0.1.nip.io"]) {
      assert.ok(!isLoopback(host));
    }
  });
});

describe("foreign text in a message", () => {
  it("is on one line and short, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const shown = quote(text);
        assert.ok(!shown.includes("\n") && !shown.includes("\u001b"));
        // Each character may be written as \uXXXX.
        assert.ok(shown.length <= 2 + 81 * 6);
      }),
    );
  });
});

/** The result, or undefined for a refusal with a code; anything else thrown is a failure. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof PropagitError) return undefined;
    throw thrown;
  }
}
