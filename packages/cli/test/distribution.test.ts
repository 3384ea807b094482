/** How the bytes of a release travel, as whoever deploys it sees that. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Handlers } from "@propagit/runtime";
import { Command, run } from "./support/command.js";
import { distribution, mib, row } from "./support/distribution-samples.js";
import { FakeHub } from "./support/fake-hub.js";
import { accepted, drone, phase, ready } from "./support/samples.js";
import { TerminalCommand } from "./support/terminal-command.js";

const line = "34 MiB for each of 64 drones: 82 % in 2.1 s, 118 MiB/s, 3.2 s left, 41 have it";
const endLine = "64 drones have it: 34 MiB each in 7.1 s, 306 MiB/s; the hub sent 1.1 × its size";
const end = { over: true, done: 64, bytes: 64 * 34 * mib, rows: [] };

async function hubWith(test: TestContext, handlers: Handlers): Promise<FakeHub> {
  const hub = await FakeHub.start({ handlers });
  test.after(() => hub.lose());
  return hub;
}

/** A deploy that ends when the test says so, and whose bytes are told as it says. */
function travelling() {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let tell: (one: ReturnType<typeof distribution>) => void = () => {};
  const asked: unknown[] = [];
  const handlers: Handlers = {
    "hub.deploy": async (_, { part }) => {
      part(accepted);
      part(phase("starting", 0));
      part(drone("web-1", "checked out"));
      await finished;
      return ready;
    },
    "hub.distribution": async (params, { part }) => {
      asked.push(params);
      tell = part;
      part(distribution({ line }));
      await finished;
      return {};
    },
  };
  return {
    handlers,
    asked,
    finish: () => finish(),
    tell: (one: ReturnType<typeof distribution>) => tell(one),
  };
}

describe("the bytes of a deploy on their way", () => {
  it("are a line now and then where there is no terminal, without any control character", async (test) => {
    const travel = travelling();
    const hub = await hubWith(test, travel.handlers);
    const command = new Command(hub, "deploy", "webapp", "master", "--drones");
    await command.said(/41 have it/);
    travel.tell(distribution());
    travel.tell(distribution({ ...end, line: endLine }));
    await command.said(/1\.1 ×/);
    travel.finish();
    assert.equal(await command.exited, 0);
    assert.equal(command.stderr, "");
    assert.equal(
      command.stdout.split("webapp 74336bc is ready")[0],
      `release 14 of webapp: 74336bc
starting
web-1        checked out
${line}
${endLine}
`,
    );
    assert.deepEqual(travel.asked, [{ repo: "webapp", environment: "production", release: 14 }]);
  });

  it("are lines of JSON with --json", async (test) => {
    const travel = travelling();
    const hub = await hubWith(test, travel.handlers);
    const command = new Command(hub, "deploy", "webapp", "master", "--json");
    await command.said(/"distribution"/);
    travel.finish();
    await command.exited;
    const told = command.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as { kind: string });
    assert.deepEqual(
      told.filter(({ kind }) => kind === "distribution"),
      [{ kind: "distribution", ...distribution({ line }) }],
    );
    assert.equal(told.at(-1)?.kind, "result");
  });

  it("are a bar on a terminal, and a line about them in the end", async (test) => {
    const travel = travelling();
    const hub = await hubWith(test, travel.handlers);
    const command = new TerminalCommand(test, hub, "deploy", "webapp", "master");
    await command.said(/█+░+ +82 % {2}118 MiB\/s {2}3\.2 s left {2}41\/64/);
    assert.match(command.text, /behind: web-9 2 % and away and 2 more/);
    assert.doesNotMatch(command.text, /web-3/);
    travel.tell(distribution(end));
    await command.said(/34 MiB reached 64 drones in 2\.1 s/);
    travel.finish();
    assert.equal(await command.exited, 0);
  });

  it("have a line for each drone on a terminal with --drones", async (test) => {
    const travel = travelling();
    const hub = await hubWith(test, travel.handlers);
    const command = new TerminalCommand(test, hub, "deploy", "webapp", "master", "--drones");
    await command.said(/web-3 +█+░+ +50 %/);
    travel.tell(distribution({ rows: [row("web-3", { bytes: 34 * mib - 1 })] }));
    await command.said(/web-3 +█+░+ +99 %/);
    travel.finish();
    assert.equal(await command.exited, 0);
  });

  it("are not missed by whoever asks a hub that knows nothing of them", async (test) => {
    const { "hub.distribution": _, ...older } = travelling().handlers;
    const hub = await hubWith(test, { ...older, "hub.deploy": () => ready });
    const result = await run(hub, ["deploy", "webapp", "master"]);
    assert.deepEqual([result.code, result.stderr], [0, ""]);
  });
});
