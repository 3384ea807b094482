/** The proxy as a library: what its page shows runs, and so does the example. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { closeConnections, freePort, get } from "@propagit/test-support";
import { execa } from "execa";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Below the project, so that its packages are found. */
const folder = join(root, ".cache/library-examples");

describe("the proxy as a library", () => {
  const children: ChildProcess[] = [];

  after(async () => {
    closeConnections();
    for (const child of children) child.kill();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs an example of the page on a port of its own, as plain JavaScript; resolves with the port. */
  async function start(code: string, index: number): Promise<number> {
    const shown = code.replace(
      "await proxy.listen({ port: 8000 });",
      'console.log((await proxy.listen({ port: 0, host: "127.0.0.1" })).port);',
    );
    assert.notEqual(shown, code);
    await mkdir(folder, { recursive: true });
    const file = join(folder, `example-${index}.mjs`);
    await writeFile(file, shown);
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    return Number(said.toString());
  }

  it("does what its page says", async () => {
    const page = await readFile(join(root, "docs/library.md"), "utf8");
    const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? "");
    assert.equal(examples.length, 3);
    const [first = 0, second = 0, third = 0] = await Promise.all(examples.map(start));
    const nothing = await get(first, { host: "boop.example" });
    assert.deepEqual([nothing.status, nothing.body], [404, "nothing here"]);
    const nobody = await get(second, { host: "beep.example" });
    assert.match(`${nobody.status} ${nobody.body}`, /^(?:502|200) /);
    const failed = await get(third, { host: "beep.example" });
    assert.match(`${failed.status} ${failed.body}`, /^500 INTERNAL/);
  });

  it("does what its example says", async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const page = await readFile(join(root, "examples/library/README.md"), "utf8");
    let commands = /^```sh\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
    for (const [index, port] of ports.entries()) {
      commands = commands.replaceAll(`800${index}`, String(port));
    }
    const { stdout, stderr, exitCode } = await execa("bash", ["-e", "-u", "-c", commands], {
      cwd: root,
      env: { OLD: String(ports[1]), NEW: String(ports[2]) },
      reject: false,
      timeout: 180_000,
    });
    assert.equal(exitCode, 0, stderr);
    const lines = stdout.split("\n");
    assert.ok(lines.includes("fine"), stdout);
    assert.ok(lines.includes("new /path"), stdout);
    assert.ok(
      lines.some((line) => /^(?:old|new) \/$/.test(line)),
      stdout,
    );
  });
});
