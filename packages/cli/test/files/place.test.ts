import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { parseMode } from "../../src/files/push-flags.js";
import { parseFilesPlace, parseFilesSight } from "../../src/files/place.js";

describe("TARGET:PATH", () => {
  it("names drones as every command does, and a folder on them", () => {
    assert.deepEqual(parseFilesPlace("web-1:/srv/site"), {
      target: { names: ["web-1"] },
      path: "/srv/site",
    });
    assert.deepEqual(parseFilesPlace("a,b:~/x"), { target: { names: ["a", "b"] }, path: "~/x" });
    assert.deepEqual(parseFilesPlace("*:~"), { target: { names: ["*"] }, path: "~" });
    assert.deepEqual(parseFilesPlace("role=web:/a:b"), {
      target: { selector: "role=web" },
      path: "/a:b",
    });
    assert.deepEqual(parseFilesPlace("/^web:[12]/:/srv"), {
      target: { names: ["/^web:[12]/"] },
      path: "/srv",
    });
  });

  it("is refused when a part is missing or means nothing", () => {
    for (const text of [
      "",
      "web-1",
      ":/srv",
      "web-1:",
      "web-1:srv",
      "web-1:../a",
      "a b:/c",
      "~/x",
    ]) {
      assert.throws(() => parseFilesPlace(text), PropagitError, text);
    }
  });

  it("may be drones alone where a list is asked for", () => {
    assert.deepEqual(parseFilesSight("web-1"), { target: { names: ["web-1"] } });
    assert.deepEqual(parseFilesSight("/^web/"), { target: { names: ["/^web/"] } });
    assert.deepEqual(parseFilesSight("a:/x"), { target: { names: ["a"] }, path: "/x" });
  });
});

describe("a mode", () => {
  it("is three octal digits", () => {
    assert.deepEqual([parseMode("644"), parseMode("0750")], [0o644, 0o750]);
    for (const text of ["", "8", "888", "4755", "u+x", "64"]) {
      assert.throws(() => parseMode(text), PropagitError, text);
    }
  });
});
