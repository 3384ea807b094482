/** `registry register NAME@VERSION -- CMD`, as the library does it. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { silentLog } from "@propagit/runtime";
import { runRegistered, type RegistryClient, type RunRegisteredOptions } from "../../src/index.js";
import { hasCode } from "../support/samples.js";
import { eventually, Workshop } from "../support/serving.js";

const workshop = new Workshop();

/** Listens where it is told, answers with its environment, exits when asked to. */
const server = `
  const http = require("node:http");
  const last = process.argv.at(-1);
  http.createServer((request, response) => {
    const { PORT, REGISTRY, PROPAGIT_SECRET } = process.env;
    response.setHeader("connection", "close");
    response.end(JSON.stringify({ last, PORT, REGISTRY, PROPAGIT_SECRET, pid: process.pid }));
    if (request.url === "/exit") setImmediate(() => process.exit(3));
  }).listen(Number(last), "127.0.0.1");
`;

interface Answer {
  readonly last: string;
  readonly PORT: string;
  readonly REGISTRY: string;
  readonly PROPAGIT_SECRET?: string;
  readonly pid: number;
}

async function ask(port: number, path = "/"): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return (await response.json()) as Answer;
}

const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("a command that is run registered", () => {
  afterEach(() => workshop.clear());

  async function run(options: Partial<RunRegisteredOptions> = {}) {
    const { address } = await workshop.serve();
    const running = await runRegistered({
      address,
      service: "web@1.2.3",
      command: [process.execPath, "-e", server, "--"],
      log: silentLog,
      ...options,
    });
    workshop.later(() => running.stop());
    return { address, running, client: workshop.connect(address) };
  }

  async function portOf(client: RegistryClient): Promise<number> {
    const [found] = await client.get("web", 20_000);
    assert.ok(found);
    return found.port;
  }

  it("has its port as $PORT and last argument, and is registered when it listens there", async () => {
    const { address, client } = await run({ meta: { color: "blue" } });
    const [found] = await client.get("web@1.2.3", 20_000);
    assert.deepEqual(found?.meta, { color: "blue" });
    const port = found?.port ?? 0;
    const answer = await ask(port);
    assert.equal(answer.last, String(port));
    assert.equal(answer.PORT, String(port));
    assert.equal(answer.REGISTRY, `localhost:${address.port}`);
  });

  it("does not get the secret of who started it", async () => {
    process.env["PROPAGIT_SECRET"] = "beepboop";
    workshop.later(() => delete process.env["PROPAGIT_SECRET"]);
    const { client } = await run();
    assert.equal((await ask(await portOf(client))).PROPAGIT_SECRET, undefined);
  });

  it("is freed when it exits and registered again when it is back", async () => {
    const { client } = await run();
    const port = await portOf(client);
    const { pid } = await ask(port, "/exit");
    await eventually("the end of the record", async () => {
      const { endpoints } = await client.query("web");
      return endpoints.length === 0;
    });
    const again = await ask(await portOf(client));
    assert.notEqual(again.pid, pid);
  });

  it("is freed and ended by stop", async () => {
    const { client, running } = await run();
    const { pid } = await ask(await portOf(client));
    await running.stop();
    assert.equal(await running.ended, undefined);
    assert.equal(isRunning(pid), false);
    assert.deepEqual((await client.query()).endpoints, []);
  });

  it("ends with its children, even when it ignores SIGTERM", async () => {
    const stubborn = `process.on("SIGTERM", () => {}); ${server}`;
    const { client, running } = await run({ command: [process.execPath, "-e", stubborn, "--"] });
    const { pid } = await ask(await portOf(client));
    await running.stop();
    assert.equal(isRunning(pid), false);
  });

  it("is not left behind by a stop that comes at once", async () => {
    const { running } = await run();
    await running.stop();
    assert.equal(await running.ended, undefined);
  });

  it("that does not exist ends it with the reason", async () => {
    const { running } = await run({ command: ["no-such-command-anywhere"] });
    const reason = await running.ended;
    assert.equal(reason?.code, "BAD_USAGE");
    assert.match(reason?.message ?? "", /no-such-command-anywhere cannot be run: ENOENT/);
  });

  it("is ended when the registry does not believe who runs it", async () => {
    const { address } = await workshop.serve({ secret: "beepboop" });
    const { running } = await run({ address, secret: "wrong" });
    assert.equal((await running.ended)?.code, "DENIED");
  });

  it("is not even started under a wrong name", async () => {
    await assert.rejects(run({ service: "a b" }), hasCode("BAD_NAME"));
    await assert.rejects(run({ service: "a@1" }), hasCode("BAD_RECORD"));
    await assert.rejects(run({ command: [] }), hasCode("BAD_USAGE"));
  });
});
