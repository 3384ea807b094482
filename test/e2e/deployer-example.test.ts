/** The example that carries deployerlib's own over: what its page says is typed, and what comes of it compared. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cleanEnv } from "@propagit/test-support";
import { execa } from "execa";

const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("the example of deployerlib", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "propagit-deployer-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  async function type(commands: string): Promise<string> {
    const { all, exitCode } = await execa("bash", ["-e", "-u", "-c", commands], {
      cwd: root,
      env: cleanEnv({
        HOME: home,
        PROPAGIT_HOME: home,
        PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      }),
      extendEnv: false,
      reject: false,
      all: true,
      timeout: 180_000,
      stdin: "ignore",
    });
    assert.equal(exitCode, 0, all);
    return all;
  }

  it("prints what its page shows", async () => {
    const page = await readFile(join(root, "examples/deployer/README.md"), "utf8");
    const block = (kind: string) =>
      new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "ms").exec(page)?.[1] ?? "";
    assert.equal(unchanging(await type(block("sh"))), unchanging(block("text").trimEnd()));
  });

  it("can be looked at first, saved, and applied as it was saved", async () => {
    const plan = `${home}/plan.json`;
    const shown = await type(
      `cd examples/deployer && propagit plan --config test.yaml --save ${plan}`,
    );
    assert.match(
      shown,
      /1\. Test stage \(one at a time\)\n local {2}initializing test command: Hello World \/ none/,
    );
    assert.match(await type(`cd examples/deployer && propagit plan ${plan}`), /Syntax ok$/);
    const said = await type(`cd examples/deployer && propagit apply ${plan} --local`);
    assert.match(said, /executing test command: Hello World \/ none/);
  });

  it("sends metrics before and behind when its configuration says where, and goes on when nobody is there", async () => {
    const listener = createServer((socket) => socket.on("data", (data) => (got += String(data))));
    let got = "";
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const flags = `--config test.yaml --set graphite.carbonHost=127.0.0.1 --set graphite.prefix=deploys.test`;
    const apply = (to: number) =>
      type(
        `cd examples/deployer && propagit apply ${flags} --set graphite.carbonPort=${to} --local`,
      );
    try {
      const said = await apply(port);
      assert.match(said, /Send graphite start[^]*Test stage[^]*Send graphite end/);
      assert.match(got, /^deploys\.test\.start 1 \d+\ndeploys\.test\.end 1 \d+\n$/);
    } finally {
      listener.close();
      await once(listener, "close");
    }
    assert.match(await apply(port), /executing test command[^]*finished plan: Test Generator/);
  });

  it("has a configuration that is right", async () => {
    const said = await type("cd examples/deployer && propagit config verify --config test.yaml");
    assert.equal(said, "the configuration is right: 6 values for generator test");
  });
});

/** Without times and ids. */
function unchanging(lines: string): string {
  return lines.replaceAll(/^[-\d]+ [\d:,]+/gm, "TIME").replaceAll(/run [0-9a-f]{10}/g, "run ID");
}
