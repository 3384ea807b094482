import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { findHubAccess, remoteOfProject } from "../../src/hub-call.js";
import { answerCredential, parseCredential } from "../../src/project/credential.js";
import {
  readRemotes,
  remotesFile,
  removeRemote,
  saveRemote,
  type Remote,
} from "../../src/project/remotes.js";

const home: Remote = { name: "default", hub: { host: "localhost", port: 6001 }, secret: "at home" };
const work: Remote = { name: "work", hub: { host: "Hub.example", port: 7001 }, secret: "at work" };

function folderOf(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "propagit-remotes-"));
  test.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("remotes", () => {
  it("are kept where only their user reads them, and are forgotten when asked to", async (test) => {
    const env = { PROPAGIT_HOME: join(folderOf(test), "home") };
    await saveRemote(work, env);
    await saveRemote(home, env);
    await saveRemote({ ...work, secret: undefined }, env);
    assert.deepEqual(readRemotes(env), [home, { ...work, secret: undefined }]);
    assert.equal(statSync(remotesFile(env)).mode & 0o777, 0o600);
    await removeRemote("default", env);
    assert.deepEqual(
      readRemotes(env).map(({ name }) => name),
      ["work"],
    );
    await assert.rejects(removeRemote("default", env), { code: "NO_REMOTE" });
  });

  it("in a damaged file are told of, not overwritten", async (test) => {
    const env = { PROPAGIT_HOME: folderOf(test) };
    writeFileSync(remotesFile(env), '{ "remotes": [{ "name": 5 }] }');
    assert.throws(() => readRemotes(env), { code: "DATA_UNUSABLE" });
    await assert.rejects(saveRemote(home, env), { code: "DATA_UNUSABLE" });
  });

  it("are taken by name, with their own secret rather than the environment's", async (test) => {
    const env = { PROPAGIT_HOME: folderOf(test), PROPAGIT_SECRET: "of the environment" };
    await saveRemote(work, env);
    await saveRemote(home, env);
    const access = (hub: { remote: string }, secret?: string) =>
      findHubAccess({ hub, ...(secret !== undefined && { secret }) }, env);
    assert.deepEqual(access({ remote: "work" }), {
      hub: work.hub,
      secret: "at work",
      remote: "work",
    });
    assert.equal(access({ remote: "work" }, "given").secret, "given");
    assert.equal(findHubAccess({}, { ...env, PROPAGIT_HUB: "work" }).secret, "at work");
    assert.throws(() => access({ remote: "wrok" }), { code: "NO_REMOTE" });
  });

  it("lend their secret to their address, when there is no other", async (test) => {
    const env = { PROPAGIT_HOME: folderOf(test) };
    await saveRemote(work, env);
    assert.equal(findHubAccess({ hub: work.hub }, env).secret, "at work");
    const other = { ...env, PROPAGIT_SECRET: "of the environment" };
    assert.equal(findHubAccess({ hub: work.hub }, other).secret, "of the environment");
  });

  it("are chosen by the project's git remotes, then by the name default", (test) => {
    const folder = folderOf(test);
    assert.equal(remoteOfProject([work, home], folder)?.name, "default");
    assert.equal(remoteOfProject([work], folder)?.name, "work");
    assert.equal(remoteOfProject([work, { ...home, name: "other" }], folder), undefined);
    execFileSync("git", ["init", "--quiet", folder]);
    execFileSync("git", ["-C", folder, "remote", "add", "origin", "git@example.com:a/b"]);
    execFileSync("git", ["-C", folder, "remote", "add", "hub", "http://hub.example:7002/webapp"]);
    assert.equal(remoteOfProject([work, home], folder)?.name, "work");
  });
});

describe("git", () => {
  const ask = (text: string) =>
    answerCredential(parseCredential(text), [home, work], "ann:x@laptop");

  it("is told the secret of hubs that have a name, on both of their ports, and who pushes", () => {
    const answer = "username=ann-x@laptop\npassword=at home\n";
    assert.equal(ask("protocol=http\nhost=localhost:6001\n\n"), answer);
    assert.equal(
      ask("capability[]=authtype\nprotocol=http\nhost=localhost:6002\npath=webapp\n"),
      answer,
    );
    assert.match(ask("protocol=http\nhost=localhost:6001\nusername=bob\n"), /^username=bob\n/);
  });

  it("is told nothing of anybody else", () => {
    const nothing = [
      "",
      "protocol=http\nhost=localhost:6003\n",
      "protocol=https\nhost=github.com\n",
    ];
    const odd = [
      "host=localhost:6001\n",
      "protocol=ssh\nhost=localhost:6001\n",
      "protocol=http\nhost=localhost:6001@evil\n",
    ];
    for (const text of [...nothing, ...odd]) assert.equal(ask(text), "", text);
    const broken = { ...home, secret: "a\npassword=b" };
    assert.equal(
      answerCredential(parseCredential("protocol=http\nhost=localhost:6001\n"), [broken], "ann"),
      "",
    );
  });
});
