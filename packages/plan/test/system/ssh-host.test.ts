/** What only a host behind ssh can do: refuse, break, share a connection. Against a real sshd. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { openSshHosts, type SshHosts } from "../../src/index.js";
import { loginLine, programLine } from "../../src/core/shell-words.js";
import { noSshd, startSshd, type TestSshd } from "@propagit/test-support";

describe("hosts behind ssh", { skip: noSshd }, () => {
  let sshd: TestSshd;
  let hosts: SshHosts;
  before(async () => {
    sshd = await startSshd();
    hosts = openSshHosts({ configFile: sshd.configFile, connectTimeoutMs: 3_000, mastersMax: 2 });
  });
  after(async () => {
    await hosts.close();
    await sshd.close();
  });

  const refusals = [
    ["unknown", "HOST_DENIED", /not in known_hosts/, "ssh unknown true"],
    ["changed", "HOST_DENIED", /another host key/, "ssh-keygen -R changed"],
    ["stranger", "HOST_DENIED", /does not let us in: .*Permission denied/, "ssh-copy-id stranger"],
    ["nobody", "HOST_LOST", /nobody cannot be reached: .*refused/, "ssh nobody true"],
  ] as const;
  for (const [name, code, message, hint] of refusals) {
    it(`says what to do when a host is ${name}`, async () => {
      await assert.rejects(hosts.host(name).execute(["true"]), (thrown) => {
        assert.ok(thrown instanceof PropagitError);
        assert.equal(thrown.code, code);
        assert.match(thrown.message, message);
        assert.ok(thrown.hint.includes(hint), thrown.hint);
        return true;
      });
    });
  }

  it("share one connection, and wait for their turn on it", async () => {
    const near = hosts.host("near");
    const clients = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { output } = await near.execute([
          "/bin/sh",
          "-c",
          'sleep 0.1; echo "$SSH_CONNECTION"',
        ]);
        return output;
      }),
    );
    assert.equal(new Set(clients).size, 1);
  });

  it("have no more connections than allowed, the one longest idle ending first", async () => {
    const clients = ["near", "one", "two", "three", "near"];
    for (const name of clients) {
      assert.equal((await hosts.host(name).execute(["true"])).code, 0);
      assert.ok(connectionsOf(sshd) <= 2);
    }
    const all = clients.map((name) => hosts.host(name).execute(["sleep", "0.1"]));
    assert.deepEqual(
      (await Promise.all(all)).map(({ code }) => code),
      [0, 0, 0, 0, 0],
    );
  });

  it("are lost, not failed, when the connection breaks while a program runs; then there is a new one", async () => {
    const near = hosts.host("near");
    const ran = near.execute(["/bin/sh", "-c", "echo begun; exec sleep 30"], {
      onOutput: () => void sshd.stop(),
    });
    await assert.rejects(ran, { code: "HOST_LOST", message: /nobody knows how it ended/ });
    await assert.rejects(near.execute(["true"]), {
      code: "HOST_LOST",
      message: /cannot be reached/,
    });
    await sshd.start();
    assert.equal((await near.execute(["true"])).code, 0);
  });

  it("leave no file that is only half there when the connection breaks", async () => {
    const near = hosts.host("near");
    const path = `${sshd.folder}/put`;
    const much = { kind: "bytes", bytes: new Uint8Array(300 << 20) } as const;
    // Heard of whenever it comes, also while the server still ends.
    const lost = assert.rejects(near.put(much, path), { code: "HOST_LOST" });
    const isUnderWay = () => readdirSync(sshd.folder).some((name) => name.startsWith(".propagit-"));
    while (!isUnderWay()) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
    await sshd.stop();
    await lost;
    assert.equal(existsSync(path), false);
    // What was begun is removed there, by the shell that wrote it.
    while (isUnderWay()) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    await sshd.start();
  });

  it("do not notice it when an idle connection has ended", async () => {
    const near = hosts.host("near");
    assert.equal((await near.execute(["true"])).code, 0);
    await sshd.stop();
    await sshd.start();
    assert.equal((await near.execute(["true"])).code, 0);
  });

  it("say which setting a server has that takes no further session", async (t) => {
    const single = await startSshd(["MaxSessions 1"]);
    t.after(() => single.close());
    const others = openSshHosts({ configFile: single.configFile });
    t.after(() => others.close());
    await assert.rejects(others.host("near").execute(["true"]), {
      code: "HOST_LOST",
      hint: /MaxSessions/,
    });
  });

  it("are left when the process that uses them is killed", async () => {
    await hosts.host("one").execute(["true"]);
    const before = connectionsOf(sshd);
    const entry = new URL("../../src/index.js", import.meta.url).href;
    const program = `
      const { openSshHosts } = await import(${JSON.stringify(entry)});
      const hosts = openSshHosts({ configFile: ${JSON.stringify(sshd.configFile)} });
      await hosts.host("two").execute(["true"]);
      console.log("there");
      await new Promise(() => setInterval(() => {}, 1000));`;
    const words = ["--input-type=module", "--eval", program];
    const env = { ...process.env, TMPDIR: sshd.folder };
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"], env });
    await once(child.stdout, "data");
    assert.equal(connectionsOf(sshd), before + 1);
    child.kill("SIGKILL");
    await once(child, "exit");
    while (connectionsOf(sshd) > before) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  });

  it("end what waits for a connection when it is told to", async () => {
    const abort = new AbortController();
    const waits = hosts.host("near").execute(["sleep", "30"], { signal: abort.signal });
    abort.abort();
    await assert.rejects(waits, { code: "TASK_FAILED" });
  });
});

describe("a line for a login shell", () => {
  const line = programLine({
    words: ["printf", "%s\\0", "it's", 'a "b"\n', "\\n!!$HOME `x` %d é"],
  });
  const words = ["it's", 'a "b"\n', "\\n!!$HOME `x` %d é"];
  for (const shell of ["sh", "bash", "zsh", "fish", "tcsh", "busybox"]) {
    const path = ["/bin", "/usr/bin"].map((folder) => `${folder}/${shell}`).find(existsSync);
    it(`means the same to ${shell}`, { skip: path ? false : `${shell} is not installed` }, () => {
      const args = [...(shell === "busybox" ? ["sh"] : []), "-c", loginLine(line)];
      const output = execFileSync(path ?? "", args, { encoding: "utf8" });
      assert.deepEqual(output.split("\0").slice(0, -1), words);
    });
  }
});

/** By what the kernel knows. */
function connectionsOf({ port }: TestSshd): number {
  const table = readFileSync("/proc/net/tcp", "utf8");
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").filter((row) => row.trim().split(/\s+/)[1] === local && / 01 /.test(row))
    .length;
}
