/** What `ps` shows of a daemon: what it is for, and no secret. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findFreePort, nodeRandom } from "@propagit/runtime";
import { Command } from "./support/command.js";

test("a proxy without a hub is shown with what it follows, not with its secret", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "propagit-title-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const port = await findFreePort({ random: nodeRandom });
  const follows = ["--registry=127.0.0.1:1", "--route=a.example=http@1.x", "--route=*=site"];
  const own = [`--port=${port}`, "--host=127.0.0.1", `--data=${folder}`, "--secret=beepboop"];
  const proxy = new Command(undefined, "proxy", ...follows, ...own);
  t.after(async () => {
    proxy.child.kill("SIGKILL");
    await proxy.exited;
  });
  await proxy.said(/listening on/);
  const args = execFileSync("ps", ["-o", "args=", "-ww", "-p", `${proxy.child.pid}`]).toString();
  assert.equal(args.trim(), ["propagit proxy", ...follows, `--port=${port}`].join(" "));
});
