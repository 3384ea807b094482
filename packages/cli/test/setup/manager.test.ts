import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import {
  dataFolderOf,
  droneWords,
  mergedRecord,
  type DroneRecord,
} from "../../src/setup/drone-record.js";
import { managerAt, managerOf } from "../../src/setup/manager-choice.js";

const place = { home: "/srv/ann's", base: "/srv/ann's/.local/share/propagit", isRoot: false };
const start = {
  words: ["--hub=hub:6001", "--label=note=a $b"],
  dataFolder: "/srv/drone",
  user: "ann",
};

describe("who keeps a drone running", () => {
  it("is systemd for the machine where root is set up, else for the user, unless it is said", () => {
    assert.equal(managerOf("auto", { ...place, isRoot: true }), "system");
    assert.equal(managerOf("auto", place), "user");
    assert.equal(managerOf("system", place), "system");
    assert.equal(managerOf("none", place), "none");
  });

  it("has a unit that stays the same over versions; of the machine, with its user and as root", () => {
    const system = managerAt("system", place);
    assert.equal(system.file, "/etc/systemd/system/propagit-drone.service");
    assert.equal(system.sudo, true);
    const text = system.text(start);
    assert.match(text, /^User=ann$/m);
    assert.match(text, /^KillMode=process$/m);
    assert.match(text, /^ExecStart=".*\/node\/bin\/node" ".*\/current\/bin\/propagit\.js" drone /m);
    assert.match(text, /--data=\/srv\/drone$/m);
    assert.match(text, /^WantedBy=multi-user\.target$/m);
    const ofRoot = managerAt("system", { ...place, isRoot: true });
    assert.equal(ofRoot.sudo, false);
    assert.doesNotMatch(ofRoot.text(start), /^User=/m);
    const user = managerAt("user", place);
    assert.equal(user.file, "/srv/ann's/.config/systemd/user/propagit-drone.service");
    assert.match(user.text(start), /^WantedBy=default\.target$/m);
  });

  it("or a loop of sh, whatever is in a name", () => {
    const text = managerAt("none", place).text(start);
    const { status, stderr } = spawnSync("/bin/sh", ["-n"], { input: text, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.ok(text.includes("'--label=note=a $b'"), text);
  });
});

describe("how a drone is asked for", () => {
  const former: DroneRecord = {
    hub: "old:6001",
    name: "web-1",
    labels: ["role=web"],
    data: "~/drone",
    manager: "user",
  };

  it("stays as it was where nothing else is said", () => {
    const merged = mergedRecord(former, { hub: "new:6001" }, "user");
    assert.deepEqual(merged, { ...former, hub: "new:6001" });
    const labelled = mergedRecord(former, { hub: "new:6001", labels: ["zone=a"] }, "user");
    assert.deepEqual(labelled.labels, ["zone=a"]);
  });

  it("is flags of `propagit drone`, in an order that is always the same", () => {
    const words = droneWords({ ...former, labels: ["zone=a", "role=web"] }, "/base");
    assert.deepEqual(words, [
      "--hub=old:6001",
      "--name=web-1",
      "--label=role=web",
      "--label=zone=a",
      "--secret-file=/base/secret",
    ]);
  });

  it("has its data below the home there", () => {
    assert.equal(dataFolderOf({ hub: "a:1" }, "/srv/ann"), "/srv/ann/.propagit/drone");
    assert.equal(dataFolderOf({ hub: "a:1", data: "/srv/~x" }, "/srv/ann"), "/srv/~x");
  });
});
