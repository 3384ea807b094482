/** Settings and secrets: what reaches the hub, and what nobody else sees. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type Params } from "@propagit/protocol";
import { run } from "./support/command.js";
import { FakeHub, world } from "./support/fake-hub.js";
import { accepted, ready, start } from "./support/samples.js";

describe("settings", () => {
  let hub: FakeHub;
  let folder: string;
  let asked: Params<"hub.configure"> | undefined;
  let values: (string | undefined)[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "propagit-settings-"));
    const by = "ann@laptop";
    hub = await FakeHub.start({
      handlers: {
        "hub.configure": (params, { part, conversation }) => {
          asked = params;
          const key = conversation.peer?.sessionKey ?? "";
          values = params.set.map(({ value }) => world.crypto.decrypt(key, value));
          const changed = [...params.set.map(({ name }) => name), ...params.unset];
          if (!params.deploy) return { changed };
          part(accepted);
          return { changed, rollout: ready };
        },
        "hub.settings": () => ({
          settings: [
            { name: "LOG", value: "debug", secret: false, at: start, by },
            { name: "TOKEN", secret: true, at: start, by },
          ],
          pending: ["LOG"],
        }),
      },
    });
  });

  after(async () => {
    await hub.lose();
    rmSync(folder, { recursive: true });
  });

  it("are set with a release, their values hidden on the way", async () => {
    const { code, stdout } = await run(hub, ["env", "set", "webapp", "LOG=debug", "URL=a=b"]);
    assert.equal(code, 0);
    assert.match(stdout, /webapp 74336bc is ready/);
    assert.deepEqual(values, ["debug", "a=b"]);
    assert.ok(!JSON.stringify(asked).includes("debug"));
    assert.deepEqual(
      asked?.set.map(({ name, secret }) => ({ name, secret })),
      [
        { name: "LOG", secret: false },
        { name: "URL", secret: false },
      ],
    );
  });

  it("are only kept with --no-deploy, also when the flags of the hub come first", async () => {
    const address = `--hub=127.0.0.1:${hub.port}`;
    const args = ["env", address, "set", "webapp", "LOG=debug", "--no-deploy", "-e", "staging"];
    const { code, stdout } = await run(hub, args);
    assert.deepEqual([code, stdout], [0, "LOG of webapp (staging) is kept for its next release\n"]);
    assert.deepEqual(
      [asked?.deploy, asked?.environment, asked?.by],
      [false, "staging", "ann@laptop"],
    );
  });

  it("are taken away by name", async () => {
    const { code } = await run(hub, ["secrets", "unset", "webapp", "TOKEN", "OLD", "--no-deploy"]);
    assert.deepEqual([code, asked?.unset], [0, ["TOKEN", "OLD"]]);
  });

  it("are listed, secrets without values", async () => {
    const { stdout } = await run(hub, ["env", "list", "webapp"]);
    assert.match(stdout, /^NAME .*\nLOG +debug .*\nTOKEN +\(secret\) .*\nchanged since .*: LOG;/);
    const secrets = await run(hub, ["secrets", "list", "webapp", "--json"]);
    const { settings } = JSON.parse(secrets.stdout) as { settings: readonly { name: string }[] };
    assert.deepEqual(
      settings.map(({ name }) => name),
      ["TOKEN"],
    );
  });

  it("are secrets when they come from standard input or a file, without the last line end", async () => {
    const args = ["secrets", "set", "webapp", "TOKEN", "--no-deploy"];
    assert.equal((await run(hub, args, "correct horse\n")).code, 0);
    assert.deepEqual([values, asked?.set[0]?.secret], [["correct horse"], true]);
    const file = join(folder, "key.pem");
    writeFileSync(file, "one\ntwo\n\n");
    assert.equal((await run(hub, [...args, `--file=${file}`])).code, 0);
    assert.deepEqual(values, ["one\ntwo\n"]);
  });

  const wrong: readonly (readonly [readonly string[], string, RegExp])[] = [
    [["secrets", "set", "webapp", "TOKEN"], "", /the value of TOKEN is empty/],
    [["secrets", "set", "webapp", "TOKEN"], "a\0b", /the value of TOKEN is not text/],
    [["secrets", "set", "webapp", "TOKEN"], "x".repeat(40_000), /more than 32768 characters/],
    [["secrets", "set", "webapp", "TOKEN=x"], "", /"TOKEN=x" cannot be the name of a variable/],
    [["secrets", "set", "webapp", "TOKEN", "--file=/nowhere"], "", /cannot be read: ENOENT/],
    [["env", "set", "webapp", "TOKEN"], "", /not of the form NAME=VALUE\n.*secrets set/],
    [["env", "set", "webapp", "A=1", "A=2"], "", /A is given twice/],
    [["env", "set", "webapp"], "", /missing required argument/],
    [["env", "sett", "webapp"], "", /did you mean set/],
  ];
  for (const [args, input, message] of wrong) {
    it(`explains propagit ${args.join(" ")}${input === "" ? "" : " with wrong input"}`, async () => {
      const { code, stderr } = await run(hub, args, input);
      assert.equal(code, exitCodes.usage, stderr);
      assert.match(stderr, message);
    });
  }
});
