import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { author } from "../src/author.js";
import { targetOf } from "../src/commands/drones.js";
import { parseLabelChange } from "../src/commands/drone-manage.js";
import {
  instanceTarget,
  parseDroneNames,
  parseReleaseNumber,
  parseRepoRelease,
} from "../src/targets.js";

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (thrown) {
    return thrown instanceof PropagitError ? thrown.code : String(thrown);
  }
}

describe("targets", () => {
  it("name a repository, and a release behind an @", () => {
    assert.deepEqual(parseRepoRelease("webapp"), { repo: "webapp" });
    assert.deepEqual(parseRepoRelease("webapp.git@14"), { repo: "webapp", release: "14" });
    assert.deepEqual(parseRepoRelease("webapp@feature/x@2"), {
      repo: "webapp",
      release: "feature/x@2",
    });
    assert.equal(
      codeOf(() => parseRepoRelease("webapp@")),
      "BAD_USAGE",
    );
    assert.equal(
      codeOf(() => parseRepoRelease("../x@1")),
      "BAD_NAME",
    );
  });

  it("name drones by name, list, * and one regular expression, which may hold commas", () => {
    assert.deepEqual(parseDroneNames("web-1, web-2"), ["web-1", "web-2"]);
    assert.deepEqual(parseDroneNames("*"), ["*"]);
    assert.deepEqual(parseDroneNames("/^web-[1,2]$/"), ["/^web-[1,2]$/"]);
    for (const text of ["/x", "//", "/(/", "web-*", "", "a,,b", "a b"]) {
      assert.match(codeOf(() => parseDroneNames(text)) ?? "none", /^BAD_/, text);
    }
  });

  it("leave out what was not said, so that it fits everything", () => {
    assert.deepEqual(instanceTarget({}, {}), {});
    assert.deepEqual(
      instanceTarget(
        { repo: "webapp", release: "14" },
        { environment: "staging", service: [["web"], ["say"]], drone: [["*"]], label: "gpu" },
        ["p1"],
      ),
      {
        repo: "webapp",
        release: "14",
        environment: "staging",
        services: ["web", "say"],
        processes: ["p1"],
        drones: { names: ["*"], selector: "gpu" },
      },
    );
  });

  it("take numbers of releases as numbers only", () => {
    assert.equal(parseReleaseNumber("14"), 14);
    for (const text of ["0", "-1", "1.5", "v14", "", "latest"]) {
      assert.equal(
        codeOf(() => parseReleaseNumber(text)),
        "BAD_USAGE",
        text,
      );
    }
  });

  it("tell names of drones from selectors of labels", () => {
    assert.equal(targetOf([]), undefined);
    assert.deepEqual(targetOf(["web-1,web-2", "role=web", "!gpu"]), {
      names: ["web-1", "web-2"],
      selector: "role=web,!gpu",
    });
    assert.deepEqual(targetOf(["/a=b/"]), { names: ["/a=b/"] });
    assert.deepEqual(targetOf(["zone in (a,b)"]), { selector: "zone in (a,b)" });
    assert.equal(
      codeOf(() => targetOf(["role="])),
      undefined,
    );
    assert.equal(
      codeOf(() => targetOf(["=web"])),
      "BAD_PATTERN",
    );
  });

  it("change labels by key=value and key-", () => {
    assert.deepEqual(parseLabelChange("zone=eu-1"), { kind: "set", key: "zone", value: "eu-1" });
    assert.deepEqual(parseLabelChange("gpu-"), { kind: "unset", key: "gpu" });
    for (const text of ["gpu", "-", "a b=c", "=x"]) {
      assert.equal(
        codeOf(() => parseLabelChange(text)),
        "BAD_NAME",
        text,
      );
    }
  });
});

describe("the author", () => {
  it("is user and machine, or what PROPAGIT_BY says, on one line and bounded", () => {
    assert.match(author({}), /^.+@.+$/);
    assert.equal(author({ PROPAGIT_BY: "ci for ann" }), "ci for ann");
    assert.equal(author({ PROPAGIT_BY: "a\nb" }), "a b");
    assert.equal(author({ PROPAGIT_BY: "x".repeat(500) }).length, 200);
  });
});
