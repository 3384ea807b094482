import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, Draft } from "../src/core/draft.js";
import { placeKey, releaseKey } from "../src/core/rows.js";
import { callOf, commitOf, makeDeskBench, notesOf, type DeskBench } from "./support/desk-bench.js";

const web = "services:\n  web: { command: node web.mjs, env: { MODE: x } }\n";
const place = { repo: "webapp", by: "ann" };

const rollback = async (bench: DeskBench, release?: number) => {
  const { call, parts } = callOf("hub.rollback");
  const result = await bench.releases.rollback(
    { ...place, ...(release !== undefined && { release }) },
    call,
  );
  return { result, notes: notesOf(parts) };
};

test("a deploy is of what the commit says, with the settings and scales as they are now", async () => {
  const bench = await makeDeskBench();
  await bench.ledger.change(() => {
    const draft = new Draft(bench.ledger);
    const row = { repo: "webapp", environment: "production", lastRelease: 0, live: [] };
    const settings = { A: { hidden: "x", secret: false, at: 1, by: "ann" } };
    draft.put("environments", placeKey("webapp", "production"), {
      ...row,
      settings,
      scales: { web: 3, gone: 2 },
    });
    return draft.change;
  });
  await bench.deploy("one", web);
  const [request] = bench.requests;
  assert.equal(request?.commit, commitOf("one"));
  assert.equal(request.kind, "deploy");
  assert.equal(request.specification.services[0]?.instances.count, 3);
  assert.deepEqual(Object.keys(request.settings), ["A"]);
  assert.equal(request.subject, `commit ${commitOf("one").slice(0, 7)}`);
});

test("a wrong manifest, environment or commit is refused before anything begins", async () => {
  const bench = await makeDeskBench();
  await assert.rejects(bench.deploy("one", "services: 1"), { code: "BAD_MANIFEST" });
  const { call } = callOf("hub.deploy");
  const wrong = { ...place, ref: "main", environment: "Not--good" };
  await assert.rejects(bench.releases.deploy(wrong, call), { code: "BAD_NAME" });
  const nothing = { ...place, ref: "none" };
  await assert.rejects(bench.releases.deploy(nothing, call), { code: "NO_COMMIT" });
  assert.deepEqual(bench.requests, []);
});

test("a rollback goes to what was live before; a second one undoes the first; further is said", async () => {
  const bench = await makeDeskBench();
  for (const name of ["one", "two", "three"]) await bench.deploy(name, web);
  const first = await rollback(bench);
  assert.equal(bench.requests.at(-1)?.from, 2);
  assert.equal(bench.requests.at(-1)?.commit, commitOf("two"));
  assert.equal(bench.requests.at(-1)?.promote, true);
  assert.match(
    first.notes.join(),
    /goes back to release 2 .*further back: propagit rollback webapp 1/,
  );
  await rollback(bench);
  assert.equal(bench.requests.at(-1)?.from, 3);
  assert.equal(bench.requests.at(-1)?.commit, commitOf("three"));
  const far = await rollback(bench, 1);
  assert.equal(bench.requests.at(-1)?.commit, commitOf("one"));
  assert.match(far.notes.join(), /^goes back to release 1 \([0-9a-f]{7} commit [0-9a-f]{7}\)$/);
});

test("a rollback takes specification and settings of then, and what was built then", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  const artifact = commitOf("built");
  const settings = { A: { hidden: "x", secret: false, at: 1, by: "ann" } };
  const withArtifact = () => {
    const draft = new Draft(bench.ledger);
    const row = changed(bench.row(1), { artifact, settings });
    draft.put("releases", releaseKey("webapp", "production", 1), row);
    return draft.change;
  };
  await bench.ledger.change(withArtifact);
  bench.repositories.built.set(artifact, commitOf("one"));
  await bench.deploy("two", web.replace("web.mjs", "other.mjs"));
  await rollback(bench);
  const { specification, ...request } = bench.requests.at(-1) ?? assert.fail();
  assert.equal(specification.services.length, 1);
  assert.deepEqual(request.settings, settings);
  assert.equal(request.artifact, artifact);
  bench.repositories.built.clear();
  await rollback(bench, 1);
  assert.equal(bench.requests.at(-1)?.artifact, undefined, "it is built again");
});

test("a deploy says what is probably not meant, and a first one that its environment is new", async () => {
  const bench = await makeDeskBench();
  const unlikely = `${web}deploy: { main: production, other: stagin }\nenvironments: { staging: {} }\n`;
  bench.repositories.push("webapp", "main", commitOf("one"), { "propagit.yaml": unlikely });
  const deploy = async (environment: string) => {
    const { call, parts } = callOf("hub.deploy");
    await bench.releases.deploy({ ...place, ref: "main", environment }, call);
    return notesOf(parts);
  };
  const [warning = "", ...others] = await deploy("preview");
  assert.match(warning, /^warning: propagit\.yaml:3:\d+: .*stagin/);
  assert.match(others.join(), /^environment preview is new; propagit\.yaml names .*staging/);
  assert.equal((await deploy("preview")).length, 1);
  await assert.rejects(deploy("productoin"), { code: "BAD_NAME", hint: /mean production\?/ });
  assert.equal(bench.requests.length, 2);
});

test("without another live one, and of what was never ready, there is no rollback", async () => {
  const bench = await makeDeskBench();
  await assert.rejects(rollback(bench), /no release of webapp is live/);
  await bench.deploy("one", web);
  await bench.deploy("one", web);
  await assert.rejects(rollback(bench), { code: "NO_RELEASE" });
  await assert.rejects(rollback(bench, 9), /has no release 9/);
  await bench.startRollout();
  await assert.rejects(rollback(bench, 3), /is still on its way/);
});

test("while a release is on its way, a rollback has to say where to", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  await bench.deploy("two", web);
  await bench.startRollout();
  await assert.rejects(rollback(bench), { code: "CHANGED_MEANWHILE" });
  await rollback(bench, 1);
  assert.equal(bench.requests.at(-1)?.from, 1);
});

test("releases are listed newest first, with the one that is current", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  await bench.deploy("two", web);
  const { releases } = bench.releases.releases({ last: 10 }, callOf("hub.releases").call);
  assert.deepEqual(
    releases.map(({ number, current, kind, by }) => [number, current, kind, by]),
    [
      [2, true, "deploy", "ann"],
      [1, false, "deploy", "ann"],
    ],
  );
  const one = bench.releases.releases({ repo: "webapp", last: 1 }, callOf("hub.releases").call);
  assert.equal(one.releases.length, 1);
  const other = bench.releases.releases({ repo: "x", last: 9 }, callOf("hub.releases").call);
  assert.deepEqual(other.releases, []);
});

test("one release is told with the names of what its settings and manifest changed", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  await bench.deploy("two", web.replace("MODE: x", "MODE: y, NEW: z"));
  const { call } = callOf("hub.release");
  const { config, specification } = await bench.releases.release({ ...place, release: 2 }, call);
  assert.deepEqual(config, [
    { name: "MODE", change: "changed", secret: false },
    { name: "NEW", change: "added", secret: false },
  ]);
  assert.equal(specification.services[0]?.name, "web");
  const difference = await bench.releases.diff({ repo: "webapp", from: 2, to: 1 });
  assert.deepEqual(
    difference.config.map(({ name, change }) => [name, change]),
    [
      ["MODE", "changed"],
      ["NEW", "removed"],
    ],
  );
  await assert.rejects(bench.releases.release({ ...place, release: 7 }, call), {
    code: "NO_RELEASE",
  });
});

test("a pin is written once, and so is its event", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  for (const pinned of [true, true, false]) {
    await bench.releases.pin({ ...place, release: 1, pinned });
  }
  const texts = (await bench.ledger.events(10)).map(({ kind, text }) => [kind, text]);
  assert.deepEqual(texts, [
    ["pinned", "ann pinned release 1 of webapp in production"],
    ["unpinned", "ann unpinned release 1 of webapp in production"],
  ]);
  const none = { ...place, release: 2, pinned: true };
  await assert.rejects(bench.releases.pin(none), { code: "NO_RELEASE" });
});
