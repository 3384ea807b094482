import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReleaseDetail, ReleaseDifference } from "@propagit/protocol";
import { formatReleases } from "../../src/commands/releases.js";
import { formatReaped } from "../../src/commands/reap.js";
import { formatDuration, formatMoment } from "../../src/output/duration.js";
import { formatDifference, formatRelease } from "../../src/output/release.js";
import { formatSettings } from "../../src/settings.js";
import { spawnedService } from "../../src/spawned-service.js";
import { commit, other, release, start } from "../support/samples.js";

const now = start + 3_600_000;

describe("the list of releases", () => {
  it("says number, commit, state, kind, who, when, how long, and the message", () => {
    const older = { ...release, number: 12, commit: other, current: false };
    assert.equal(
      formatReleases(
        [
          { ...release, number: 15, state: "deploying", phase: "building", current: false },
          release,
          { ...older, kind: "rollback", from: 9, pinned: true, presence: "kept" },
        ],
        { now, repo: "webapp" },
      ),
      `RELEASE  COMMIT   STATE     RUNS          KIND           BY          AGE  TOOK  MESSAGE
     15  74336bc  building  running       deploy         ann@laptop   1h  12 s  Make it faster
     14  74336bc  current   running       deploy         ann@laptop   1h  12 s  Make it faster
     12  40548da  ready     kept, pinned  rollback to 9  ann@laptop   1h  12 s  Make it faster
`,
    );
  });

  it("names repository and environment where they differ", () => {
    const text = formatReleases([release, { ...release, environment: "staging" }], { now });
    assert.match(text, /^RELEASE {2}REPO +ENVIRONMENT/);
  });
});

describe("one release", () => {
  const service = spawnedService({
    name: "web",
    command: ["/bin/sh", "-c", "node web.js"],
    env: {},
    worker: false,
  });
  const detail: ReleaseDetail = {
    summary: { ...release, state: "failed", current: false, reason: "the build failed" },
    specification: { services: [service], routes: [], promote: "always" },
    config: [
      { name: "LOG", change: "changed", secret: false },
      { name: "TOKEN", change: "added", secret: true },
    ],
    phases: [{ phase: "building", tookMs: 12_300 }],
    drones: [{ drone: "web-1", outcome: "failed", reason: "no disk", lastLines: ["ENOSPC"] }],
  };

  it("is shown with all that is known of it", () => {
    const shown = formatRelease(detail, [
      { number: 1, at: start, kind: "deploy-failed", text: "it failed" },
    ]);
    assert.equal(
      shown,
      `webapp, release 14
  state       failed
  reason      the build failed
  commit      ${commit}
  message     Make it faster
  kind        deploy
  by          ann@laptop
  when        ${formatMoment(start)}
  took        ${formatDuration(12_300)}
  runs        running
  deployment  0123456789abcdef
  services
    web  1 on each drone: node web.js
  settings
    ~ LOG
    + TOKEN (secret)
  phases
    building  12 s
  drones
    web-1  failed: no disk
      | ENOSPC
  events
    ${formatMoment(start)}  it failed
`,
    );
  });
});

describe("the difference of two releases", () => {
  const difference: ReleaseDifference = {
    from: { ...release, number: 12, commit: other },
    to: release,
    commits: [{ commit, author: "Ann", at: start, subject: "Faster", back: false }],
    files: [{ path: "web.js", change: "changed", lines: "+3 -1" }],
    config: [{ name: "LOG", change: "removed", secret: false }],
    more: true,
  };

  it("lists commits, files and names of settings", () => {
    assert.equal(
      formatDifference(difference),
      `webapp: release 12 (40548da) to 14 (74336bc)
  commits
    + 74336bc Faster (Ann)
  files
    ~ web.js  +3 -1
  settings
    - LOG
  there is more than is listed here; see it with git diff
`,
    );
  });

  it("says so when there is none", () => {
    const same = { ...difference, commits: [], files: [], config: [], more: false };
    assert.match(formatDifference(same), /nothing differs/);
  });
});

describe("what retention would do", () => {
  it("is listed with the reason for each release", () => {
    const place = { repo: "webapp", environment: "production", commit };
    const text = formatReaped(
      [
        { ...place, number: 14, action: "stay", why: "visitors are sent to it" },
        { ...place, number: 3, action: "remove", why: "older than the 5 that are kept" },
      ],
      true,
    );
    assert.match(text, /14 {2}74336bc {2}stays +visitors are sent to it\n/);
    assert.match(text, /3 {2}74336bc {2}would go +older than the 5/);
    assert.match(text, /nothing was done yet; do it with: propagit reap/);
  });
});

describe("the list of settings", () => {
  it("hides secrets and says what no release has yet", () => {
    const by = "ann@laptop";
    const text = formatSettings(
      [
        { name: "TOKEN", secret: true, at: start, by },
        { name: "LOG", value: "debug", secret: false, at: start, by },
      ],
      ["TOKEN"],
      now,
    );
    assert.equal(
      text,
      `NAME   VALUE     BY          SINCE
LOG    debug     ann@laptop     1h
TOKEN  (secret)  ann@laptop     1h
changed since the newest release: TOKEN; deploy to give it to the instances
`,
    );
  });
});
