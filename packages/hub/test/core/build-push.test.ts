import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeBuildPush } from "../../src/core/build-push.js";

const [commit, artifact] = ["1".repeat(40), "2".repeat(40)];
const ref = `refs/propagit/builds/${commit}-${"a".repeat(16)}`;
const made = { ref, oldId: undefined, newId: artifact };
const parents = new Map([[artifact, commit]]);

test("a drone may push what it built, beside the commit that it was made from", () => {
  assert.deepEqual(judgeBuildPush([made], parents), []);
});

test("it may push nothing else, and never over or away what is there", () => {
  const refused = [
    { ...made, ref: "refs/heads/main" },
    { ...made, ref: "refs/propagit/deployed/x" },
    { ...made, ref: `${ref}0` },
    { ...made, ref: `${ref}/evil` },
    { ...made, oldId: "3".repeat(40) },
    { ...made, newId: undefined },
  ];
  for (const change of refused) {
    assert.equal(judgeBuildPush([change], parents).length, 1, JSON.stringify(change));
    assert.equal(judgeBuildPush([made, change], parents).length, 1);
  }
});

test("what does not come from the commit that it names is no output of it", () => {
  assert.match(judgeBuildPush([made], new Map()).join(), /does not come from the commit/);
  assert.equal(judgeBuildPush([made], new Map([[artifact, artifact]])).length, 1);
});
