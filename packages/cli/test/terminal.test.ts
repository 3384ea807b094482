/** On a terminal: the tree in place, raw keys for commands elsewhere, a prompt that shows nothing. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Handlers } from "@propagit/runtime";
import { hubWithCommand } from "./support/fake-command.js";
import { FakeHub, world } from "./support/fake-hub.js";
import { accepted, drone, output, phase, ready } from "./support/samples.js";
import { TerminalCommand } from "./support/terminal-command.js";

const escape = "\u001B";
const showCursor = `${escape}[?25h`;

async function hubWith(test: TestContext, handlers: Handlers): Promise<FakeHub> {
  const hub = await FakeHub.start({ handlers });
  test.after(() => hub.lose());
  return hub;
}

describe("a rollout on a terminal", () => {
  it("is drawn in place, ends with the whole tree, and gives the cursor back", async (test) => {
    let finish = () => {};
    const hub = await hubWith(test, {
      "hub.deploy": async (_, { part }) => {
        part(accepted);
        part(phase("building", 0));
        part(output("compiled"));
        part(phase("starting", 3_000));
        part(drone("web-1", "ready", { port: 15_194 }));
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return ready;
      },
    });
    const command = new TerminalCommand(test, hub, "deploy", "webapp", "master");
    await command.said(/└─ web-1 {2}ready on port 15194/);
    await command.said(/web-1 +\| compiled/);
    assert.ok(command.text.includes(`${escape}[?25l`), "the cursor is hidden");
    finish();
    assert.equal(await command.exited, 0);
    const [, end = ""] = command.text.split(showCursor);
    assert.match(end, /webapp 74336bc, release 14\r\n├─ ✓ building +3.0 s\r\n└─ ✓ starting/);
    assert.match(end, /webapp 74336bc is ready on 1 drone; visitors get it\r\n/);
  });

  it("goes on after ^C, which gives the cursor back", async (test) => {
    const hub = await hubWith(test, {
      "hub.deploy": (_, { part }) => {
        part(accepted);
        return new Promise<never>(() => undefined);
      },
    });
    const command = new TerminalCommand(test, hub, "deploy", "webapp", "master");
    await command.said(/release 14/);
    command.pty.write("\u0003");
    assert.equal(await command.exited, 130);
    const [, end = ""] = command.text.split(showCursor);
    assert.match(end, /the deploy goes on; look at it with: propagit follow webapp 14/);
  });
});

describe("a command elsewhere with the user's terminal", () => {
  it("gets every key as it is typed, ^C included, and the size", async (test) => {
    const hub = await hubWithCommand(async (command) => {
      assert.deepEqual(command.params.terminal, { columns: 60, rows: 20, kind: "xterm" });
      command.print("out", "$ ");
      await command.until(() => command.input().toString().endsWith("\u0003q"));
      await command.until(() => command.sizes.length > 0);
      const [size] = command.sizes;
      command.print("out", `${size?.columns}x${size?.rows}`);
      return { runs: [{ drone: "web-1", code: 5 }], failed: [] };
    });
    test.after(() => hub.lose());
    const command = new TerminalCommand(test, hub, "run", "webapp", "--", "bash");
    await command.said(/\$ /);
    command.pty.write("\u0003q");
    command.pty.resize(70, 30);
    assert.equal(await command.exited, 5);
    assert.match(command.text, /70x30/);
    assert.ok(!command.text.includes("^C"), "the terminal does not echo");
  });
});

describe("a secret on a terminal", () => {
  it("is asked for and not shown, and can be corrected", async (test) => {
    let value: string | undefined;
    const hub = await hubWith(test, {
      "hub.configure": ({ set }, { conversation }) => {
        value = world.crypto.decrypt(conversation.peer?.sessionKey ?? "", set[0]?.value ?? "");
        return { changed: ["TOKEN"] };
      },
    });
    const args = ["secrets", "set", "webapp", "TOKEN", "--no-deploy"];
    const command = new TerminalCommand(test, hub, ...args);
    await command.said(/TOKEN: /);
    command.pty.write("correct hors");
    command.pty.write("f\u007Fe\r");
    assert.equal(await command.exited, 0, command.text);
    assert.equal(value, "correct horse");
    assert.ok(!command.text.includes("hors"), command.text);
  });

  it("is not set after ^C", async (test) => {
    const hub = await hubWith(test, {});
    const command = new TerminalCommand(test, hub, "secrets", "set", "webapp", "TOKEN");
    await command.said(/TOKEN: /);
    command.pty.write("correct\u0003");
    assert.equal(await command.exited, 130);
  });
});
