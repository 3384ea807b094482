/** The commands on files do behind a real sshd what they do here. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSshHosts, type SshHosts } from "../../src/index.js";
import { temporaryFolder } from "../support/folders.js";
import { noSshd, startSshd, type TestSshd } from "@propagit/test-support";
import { carryOut, outcomeOf } from "../support/tool-box.js";

describe("a release by hand, behind ssh", { skip: noSshd }, () => {
  let sshd: TestSshd;
  let hosts: SshHosts;
  before(async () => {
    sshd = await startSshd();
    hosts = openSshHosts({ configFile: sshd.configFile });
  });
  after(async () => {
    await hosts.close();
    await sshd.close();
  });

  it("is brought, unpacked, configured, switched to and cleaned up; the second time nothing is to do", async (t) => {
    const host = hosts.host("near");
    const here = await temporaryFolder(t);
    const app = join(await temporaryFolder(t), 'it\'s "an" $app\n-é');
    await mkdir(join(here, "made"));
    await writeFile(join(here, "made/web.js"), "code");
    execFileSync("tar", ["-czf", join(here, "app.tgz"), "-C", join(here, "made"), "."]);
    const steps: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
      ["create-directory", { path: join(app, "releases"), mode: "0755" }],
      ["create-directory", { path: join(app, "in") }],
      ["upload", { file: join(here, "app.tgz"), to: join(app, "in/app.tgz") }],
      ["unpack", { archive: join(app, "in/app.tgz"), to: join(app, "releases/7") }],
      [
        "write-file",
        { path: join(app, "releases/7/conf"), text: "port={{p}}\n", values: { p: 80 } },
      ],
      ["copy", { from: join(app, "releases/7"), to: join(app, "releases/8") }],
      ["symlink", { path: join(app, "current"), to: "releases/7" }],
      ["archive", { from: join(app, "releases/7"), into: join(app, "kept"), name: "7" }],
      ["execute", { run: "touch made", directory: app, creates: join(app, "made") }],
    ];
    for (const [name, args] of steps)
      assert.equal(await outcomeOf(name, args, { host }), "done", name);
    for (const [name, args] of steps) {
      assert.equal(await outcomeOf(name, args, { host }), "unchanged", name);
    }
    assert.equal(await readFile(join(app, "current/conf"), "utf8"), "port=80\n");
    assert.equal(await readlink(join(app, "current")), "releases/7");
    await carryOut("remove", { path: join(app, "in"), root: app }, { host });
    await carryOut("cleanup", { folder: join(app, "releases"), keep: 1 }, { host });
    assert.ok((await readdir(join(app, "releases"))).includes("7"));
    const aside = carryOut("remove", { path: "/etc/ssh", root: app }, { host });
    await assert.rejects(aside, { code: "BAD_PLAN" });
  });

  it("says home for the home of whoever it is there", async () => {
    const said: string[] = [];
    const given = { host: hosts.host("near"), say: (line: string) => said.push(line) };
    await carryOut("execute", { run: ["pwd"], directory: "~" }, given);
    assert.deepEqual(said, [homedir()]);
  });
});
