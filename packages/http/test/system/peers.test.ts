/** The engine between programs that other people wrote. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { call, startEngine } from "./support/rig.js";

const missing = (command: string): string | false =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0 ? false : `${command} is not here`;

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-http-"));
  context.after(async () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a server until the test is over; resolves when its port answers. */
async function run(
  context: TestContext,
  port: number,
  command: string,
  args: readonly string[],
): Promise<void> {
  const child = spawn(command, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  context.after(async () => {
    child.kill();
    await exited;
  });
  for (;;) {
    const isThere = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function curl(...args: readonly string[]): Promise<string> {
  const child = spawn("curl", ["-s", "-m", "20", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("latin1").on("data", (text: string) => (out += text));
  await once(child, "close");
  return out;
}

const big = "0123456789".repeat(30_000);

describe("real servers behind it", () => {
  it("node:http: bodies, chunks, HEAD, and many requests on one connection", async (context) => {
    const server = createServer((request, response) => {
      if (request.method === "POST") request.pipe(response);
      else if (request.url === "/big") response.end(big);
      else response.writeHead(200, { "X-Path": request.url }).end("small");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = await startEngine(
      context,
      `127.0.0.1:${(server.address() as { port: number }).port}`,
    );
    const url = `http://127.0.0.1:${port}`;
    for (let round = 0; round < 20; round++) {
      assert.equal(await (await fetch(`${url}/big`)).text(), big);
      assert.equal(await (await fetch(url, { method: "POST", body: big })).text(), big);
      assert.equal((await fetch(`${url}/x`, { method: "HEAD" })).headers.get("x-path"), "/x");
    }
  });

  it(
    "Python's http.server, which speaks HTTP/1.0",
    { skip: missing("python3") },
    async (context) => {
      const folder = await folderOf(context);
      await writeFile(join(folder, "big.txt"), big);
      const backend = await freePort();
      await run(context, backend, "python3", [
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "-d",
        folder,
        `${backend}`,
      ]);
      const { port } = await startEngine(context, `127.0.0.1:${backend}`);
      for (let round = 0; round < 5; round++) {
        const answer = await fetch(`http://127.0.0.1:${port}/big.txt`);
        assert.equal(await answer.text(), big);
      }
      assert.equal((await fetch(`http://127.0.0.1:${port}/none`)).status, 404);
    },
  );

  it("nginx", { skip: missing("nginx") }, async (context) => {
    const folder = await folderOf(context);
    const backend = await freePort();
    await writeFile(join(folder, "big.txt"), big);
    await writeFile(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
       http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
         fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
         server { listen 127.0.0.1:${backend}; root ${folder}; } }`,
    );
    await run(context, backend, "nginx", ["-p", folder, "-c", join(folder, "nginx.conf")]);
    const { port } = await startEngine(context, `127.0.0.1:${backend}`);
    for (let round = 0; round < 20; round++) {
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/big.txt`)).text(), big);
      assert.equal((await fetch(`http://127.0.0.1:${port}/none`)).status, 404);
    }
    const ranged = await fetch(`http://127.0.0.1:${port}/big.txt`, {
      headers: { Range: "bytes=5-9" },
    });
    assert.equal(ranged.status, 206);
    assert.equal(await ranged.text(), "56789");
  });
});

describe("real clients in front of it", () => {
  it(
    "curl: uploads with Expect, chunks, HTTP/1.0, and a connection kept",
    { skip: missing("curl") },
    async (context) => {
      const folder = await folderOf(context);
      const upload = join(folder, "up");
      await writeFile(upload, big.repeat(10));
      const server = createServer((request, response) => {
        let bytes = 0;
        request.on("data", (piece: Buffer) => (bytes += piece.length));
        request.on("end", () => response.end(`${request.httpVersion} ${bytes}`));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      context.after(() => {
        server.close();
        server.closeAllConnections();
      });
      const { port, engine } = await startEngine(
        context,
        `127.0.0.1:${(server.address() as { port: number }).port}`,
      );
      const url = `http://127.0.0.1:${port}/`;
      const whole = `1.1 ${big.length * 10}`;
      assert.equal(await curl("-T", upload, url), whole);
      assert.equal(await curl("-T", upload, "-H", "Expect: 100-continue", url), whole);
      assert.equal(await curl("-T", upload, "-H", "Transfer-Encoding: chunked", url), whole);
      assert.equal(await curl("-0", "-d", "abc", url), "1.1 3");
      const before = engine.counts().accepted;
      assert.equal(await curl(url, url, url), "1.1 01.1 01.1 0");
      assert.equal(engine.counts().accepted - before, 1);
    },
  );

  it("wrk: many at once, and none of them fails", { skip: missing("wrk") }, async (context) => {
    let served = 0;
    const server = createServer((_, response) => {
      served += 1;
      response.end("small");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = await startEngine(
      context,
      `127.0.0.1:${(server.address() as { port: number }).port}`,
    );
    const child = spawn("wrk", ["-t1", "-c64", "-d1s", `http://127.0.0.1:${port}/`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    await once(child, "close");
    const [, requests = "0"] = /(\d+) requests in/.exec(said) ?? [];
    assert.ok(Number(requests) > 0 && Number(requests) <= served, said);
    // It says both only when there were any.
    assert.doesNotMatch(said, /Socket errors|Non-2xx/);
  });

  it("an address with several listeners: OPTIONS about the whole server", async (context) => {
    const { port } = await startEngine(context, ({ target }) => ({
      kind: "answer",
      status: 200,
      headers: [],
      body: target,
    }));
    const visitor = await call(context, port);
    visitor.say("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(await visitor.head(), /Content-Length: 1\r\n/);
    assert.equal(await visitor.bytes(1), "*");
  });
});
