/** One contract, kept by this machine and by one behind a real sshd. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { PropagitError } from "@propagit/protocol";
import { localHost, openSshHosts, type Host, type SshHosts } from "../../src/index.js";
import { temporaryFolder, tinyDisk } from "../support/folders.js";
import { noSshd, startSshd, type TestSshd } from "@propagit/test-support";

let sshd: TestSshd;
let hosts: SshHosts;

before(async () => {
  if (noSshd !== false) return;
  sshd = await startSshd();
  hosts = openSshHosts({ configFile: sshd.configFile });
});

after(async () => {
  if (noSshd !== false) return;
  await hosts.close();
  await sshd.close();
});

const kinds: readonly { readonly name: string; readonly skip: string | false; open: () => Host }[] =
  [
    { name: "this machine", skip: false, open: () => localHost() },
    { name: "a host behind ssh", skip: noSshd, open: () => hosts.host("near") },
  ];

/** What shells, ssh and printf read as more than a letter. */
const hostile = "'\"\\$`!\n\r\t *?~#;&|<>()[]{}%=-0éß💥";

const bytesOf = (text: string) =>
  ({ kind: "bytes", bytes: new TextEncoder().encode(text) }) as const;

for (const { name, skip, open } of kinds) {
  describe(name, { skip }, () => {
    it("gives a program its words exactly, whatever is in them", async () => {
      const host = open();
      const word = fc
        .oneof(
          fc.string({ unit: "binary" }),
          fc.string({ unit: fc.constantFrom(...Array.from(hostile)) }),
        )
        .filter((text) => !text.includes("\0"));
      await fc.assert(
        fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
          const { code, output } = await host.execute(["printf", "%s\\0", ...words]);
          assert.equal(code, 0);
          assert.deepEqual(
            output,
            words.length === 0 ? "\0" : words.map((one) => `${one}\0`).join(""),
          );
        }),
        { numRuns: name === "this machine" ? 200 : 20 },
      );
    });

    it("tells the code of its end, 255, those of signals, and that there is no such program", async () => {
      const host = open();
      const codeOf = async (...words: string[]) => (await host.execute(words)).code;
      assert.equal(await codeOf("true"), 0);
      assert.equal(await codeOf("/bin/sh", "-c", "exit 3"), 3);
      assert.equal(await codeOf("/bin/sh", "-c", "exit 255"), 255);
      assert.equal(await codeOf("/bin/sh", "-c", "kill -TERM $$"), 143);
      assert.equal(await codeOf("/bin/sh", "-c", "kill -KILL $$"), 137);
      assert.equal(await codeOf("no-such-program-at-all"), 127);
      await assert.rejects(host.execute(["-rf"]), { code: "TASK_FAILED" });
      await assert.rejects(host.execute(["printf", "a\0b"]), { code: "TASK_FAILED" });
      await assert.rejects(host.execute(["echo", "x".repeat(200_000)]), /bytes/);
    });

    it("sets folder, environment and input", async (t) => {
      const host = open();
      const folder = join(await temporaryFolder(t), "a 'folder'\nof two lines");
      await mkdir(folder);
      const { output } = await host.execute(["/bin/sh", "-c", 'pwd; echo "$A|$B"; cat'], {
        directory: folder,
        environment: { A: "it's $HOME", B: "two\nlines" },
        input: "given",
      });
      assert.equal(output, `${folder}\nit's $HOME|two\nlines\ngiven`);
      const nowhere = await host.execute(["echo", "no"], { directory: join(folder, "absent") });
      assert.notEqual(nowhere.code, 0);
      assert.equal(nowhere.output, "");
      assert.equal((await host.execute(["cat"])).output, "");
    });

    it("tells output line by line as it comes, and keeps only the last of much", async () => {
      const host = open();
      const lines: string[] = [];
      const onOutput = (line: string) => lines.push(line);
      await host.execute(["/bin/sh", "-c", "printf 'a\\nb'; echo e >&2"], { onOutput });
      assert.deepEqual(lines.toSorted(), ["a", "b", "e"]);
      const { output, code } = await host.execute(["/bin/sh", "-c", "seq 1 100000"]);
      assert.equal(code, 0);
      assert.ok(output.endsWith("\n99999\n100000\n"));
      assert.ok(output.length <= 65_536);
    });

    it("ends a program and all of its group when it is told to, also one that does not listen", async (t) => {
      const host = open();
      const folder = await temporaryFolder(t);
      const beat = join(folder, "beat");
      const script = `trap '' TERM; (trap '' TERM; while :; do echo >>"${beat}"; sleep 0.02; done) & echo on; wait; sleep 100`;
      const abort = new AbortController();
      const onOutput = () => abort.abort();
      await assert.rejects(
        host.execute(["/bin/sh", "-c", script], { signal: abort.signal, onOutput }),
        { code: "TASK_FAILED", message: /was ended/ },
      );
      await unchangedFor(beat);
      await assert.rejects(host.execute(["true"], { signal: abort.signal }), {
        code: "TASK_FAILED",
      });
    });

    it("does not wait for what a program leaves in the background", async () => {
      const host = open();
      const script = "sleep 1000 & echo $!; exit 4";
      const { code, output } = await host.execute(["/bin/sh", "-c", script]);
      assert.equal(code, 4);
      assert.ok(process.kill(Number(output), "SIGKILL"), "it still sleeps");
    });

    it("puts a file in place whole, once, with its mode", async (t) => {
      const host = open();
      const folder = await temporaryFolder(t);
      const path = join(folder, "-a 'file'\nof \"two\" lines é");
      assert.equal(await host.put(bytesOf("one\n"), path, { mode: 0o640 }), "done");
      assert.equal(await readFile(path, "utf8"), "one\n");
      assert.equal((await stat(path)).mode & 0o7777, 0o640);
      assert.equal(await host.put(bytesOf("one\n"), path, { mode: 0o640 }), "unchanged");
      assert.equal(await host.put(bytesOf("two\n"), path), "done");
      assert.equal((await stat(path)).mode & 0o7777, 0o640);
      assert.equal(await host.put(bytesOf(""), path), "done");
      assert.equal((await stat(path)).size, 0);
      assert.deepEqual(await readdir(folder), [path.slice(folder.length + 1)]);
    });

    it("puts a file of this machine, and only when it is another", async (t) => {
      const host = open();
      const folder = await temporaryFolder(t);
      const source = join(folder, "source");
      const content = Buffer.alloc(3_000_000, "line of text\n");
      await writeFile(source, content);
      const file = { kind: "file", path: source } as const;
      const path = join(folder, "there");
      assert.equal(await host.put(file, path), "done");
      assert.ok(content.equals(await readFile(path)));
      assert.equal(await host.put(file, path), "unchanged");
      assert.equal(await host.put(file, path, { mode: 0o600 }), "done");
      const absent = { kind: "file", path: join(folder, "absent") } as const;
      await assert.rejects(host.put(absent, path), {
        code: "TASK_FAILED",
        message: /there is no file/,
      });
    });

    it("replaces a link, and refuses folders, as places for files", async (t) => {
      const host = open();
      const folder = await temporaryFolder(t);
      await writeFile(join(folder, "old"), "old");
      await symlink("old", join(folder, "link"));
      assert.equal(await host.put(bytesOf("old"), join(folder, "link")), "done");
      assert.equal(await readFile(join(folder, "old"), "utf8"), "old");
      await assert.rejects(readlink(join(folder, "link")));
      await mkdir(join(folder, "folder"));
      await symlink("folder", join(folder, "to-folder"));
      for (const taken of ["folder", "to-folder"]) {
        await assert.rejects(host.put(bytesOf(""), join(folder, taken)), { code: "TASK_REFUSED" });
      }
      const nowhere = host.put(bytesOf(""), join(folder, "absent", "file"));
      await assert.rejects(nowhere, { code: "TASK_FAILED", message: /there is no folder/ });
    });

    it("leaves the old file as it was when the disk is full", async (t) => {
      const host = open();
      const folder = await tinyDisk(t);
      if (folder === undefined) return;
      const path = join(folder, "file");
      await host.put(bytesOf("small"), path);
      const much = { kind: "bytes", bytes: new Uint8Array(4 << 20) } as const;
      await assert.rejects(host.put(much, path), {
        code: "TASK_FAILED",
        message: /was not written/,
      });
      assert.equal(await readFile(path, "utf8"), "small");
      assert.deepEqual(await readdir(folder), ["file"]);
    });

    it("knows what exists, links that lead nowhere too", async (t) => {
      const host = open();
      const folder = await temporaryFolder(t);
      await symlink("nowhere", join(folder, "link"));
      assert.equal(await host.exists(folder), true);
      assert.equal(await host.exists(join(folder, "link")), true);
      assert.equal(await host.exists(join(folder, "absent")), false);
    });

    it("asks over HTTP from there, with all that is said", async (t) => {
      const host = open();
      const server = createHttpServer((request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString()));
        request.on("end", () => {
          const { method, url, headers } = request;
          response.statusCode = url === "/moved" ? 302 : 418;
          response.end(JSON.stringify({ method, url, x: headers["x-said"], body }));
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const answer = await host.request({
        url: `${base}/a?b=%22c%22`,
        method: "POST",
        headers: { "x-said": 'it is "so"' },
        body: 'line\n"two" \\n é',
        timeoutMs: 5_000,
      });
      assert.equal(answer.status, 418);
      assert.deepEqual(JSON.parse(answer.body), {
        method: "POST",
        url: "/a?b=%22c%22",
        x: 'it is "so"',
        body: 'line\n"two" \\n é',
      });
      const moved = await host.request({ url: `${base}/moved`, timeoutMs: 5_000 });
      assert.equal(moved.status, 302);
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      const refused = host.request({ url: `${base}/?token=secret`, timeoutMs: 5_000 });
      await assert.rejects(refused, (thrown) => {
        assert.ok(thrown instanceof PropagitError);
        assert.equal(thrown.code, "TASK_FAILED");
        assert.ok(!thrown.message.includes("secret"));
        return true;
      });
    });

    it("sends bytes to whoever listens, and says when nobody does", async (t) => {
      const host = open();
      const taken = await listenOnce(t);
      const text = "a.b 1 2\n";
      const where = { protocol: "tcp", host: "127.0.0.1", timeoutMs: 5_000 } as const;
      await host.send({ ...where, port: taken.port, text });
      assert.equal(await taken.text, text);
      await taken.close();
      await assert.rejects(host.send({ ...where, port: taken.port, text }), {
        code: "TASK_FAILED",
      });
    });
  });
}

/** Whether nobody writes there any more: as long as ten beats of it bring nothing new. */
async function unchangedFor(path: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { size } = await stat(path);
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    if ((await stat(path)).size === size) return;
  }
  assert.fail(`${path} is still written`);
}

async function listenOnce(t: TestContext) {
  let tell: (text: string) => void = () => undefined;
  const text = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const server = createServer((socket) => {
    let got = "";
    socket.on("data", (chunk) => (got += chunk.toString()));
    socket.on("end", () => {
      socket.end();
      tell(got);
    });
    socket.on("error", () => tell(got));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  t.after(close);
  return { port, text, close };
}
