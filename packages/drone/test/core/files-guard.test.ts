import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { destinationOf, guardReason } from "../../src/core/files-guard.js";

const home = ["", "home", "ann"].join("/");
const machine = {
  home,
  homes: [home, "/srv/people/bob"],
  dataFolder: `${home}/.propagit/drone`,
  others: ["/srv/site"],
};
const reason = (path: string) => guardReason(path, machine);

describe("the guard of destinations", () => {
  for (const [path, why] of [
    ["/", /top of the machine/],
    ["/usr", /top of the machine/],
    ["/home", /top of the machine/],
    ["/usr/lib", /system/],
    ["/usr/local/bin", /system/],
    ["/var/lib", /system/],
    ["/etc/ssh", /system/],
    ["/proc/1/root", /kernel/],
    ["/dev/shm", /kernel/],
    [home, /home folder/],
    ["/srv/people/bob", /home folder/],
    ["/srv/people", /has a home folder in it/],
    [`${home}/.propagit`, /data folder/],
    [`${home}/.propagit/drone`, /data folder/],
    [`${home}/.propagit/drone/files`, /data folder/],
    ["/srv/site/deep", /each other's way/],
  ] as const) {
    it(`refuses ${path.replace(home, "~")}`, () => assert.match(reason(path) ?? "", why));
  }

  it("lets a folder of one's own pass, also beside those", () => {
    const paths = [
      "/srv/site",
      "/srv/site2",
      "/usr/share/site",
      "/etc/nginx",
      "/opt/app",
      "/tmp/x",
    ];
    for (const path of [...paths, `${home}/site`, `${home}/.propagit-site`, "/var/lib/site"]) {
      assert.equal(reason(path), undefined, path);
    }
  });
});

describe("a destination", () => {
  it("is absolute or in the home, without what means nothing", () => {
    assert.equal(destinationOf("/srv//site/./", home), "/srv/site");
    assert.equal(destinationOf("~/site", home), `${home}/site`);
    assert.equal(destinationOf("~", home), home);
    assert.equal(destinationOf("/", home), "/");
    assert.equal(destinationOf("/a b\n/...", home), "/a b\n/...");
  });

  it("is nothing else", () => {
    for (const text of ["", "srv", "./a", "~ann/a", "/srv/../usr", "~/..", "/a\0b"]) {
      assert.equal(destinationOf(text, home), undefined, JSON.stringify(text));
    }
  });
});
