/** Doing things as root, with a `sudo` that the test plays: what it gets, and what becomes of its refusals. */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { localHost, type Host } from "../../src/index.js";
import { temporaryFolder } from "../support/folders.js";

/** A machine on which nobody is root, and `sudo` is this script. */
async function hostWithSudo(t: TestContext, sudo: string): Promise<Host> {
  const folder = await temporaryFolder(t);
  const programs = { id: "echo 1000", sudo };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const environment = { PATH: `${folder}:${process.env["PATH"] ?? "/usr/bin:/bin"}` };
  return localHost({ name: "fe001", environment });
}

const passes = 'echo "$1 $2" >&2; shift 2; cd /; exec env -i PATH="$PATH" "$@"';

describe("sudo", () => {
  it("gets every word, and the folder and the environment that it would not keep", async (t) => {
    const host = await hostWithSudo(t, passes);
    const words = [
      "/bin/sh",
      "-c",
      'pwd; printf "%s|" "$A" "$@"',
      "sh",
      "it's",
      "",
      "a\nb",
      "$HOME",
    ];
    const directory = await temporaryFolder(t);
    const options = { sudo: true, directory, environment: { A: "a 'b'" } };
    const { code, output, errorOutput } = await host.execute(words, options);
    assert.deepEqual([code, output], [0, `${directory}\na 'b'|it's||a\nb|$HOME|`]);
    assert.equal(errorOutput, "-n --\n");
  });

  it("puts files, and passes on how a program ends", async (t) => {
    const host = await hostWithSudo(t, passes);
    const path = join(await temporaryFolder(t), "file");
    const content = { kind: "bytes", bytes: new TextEncoder().encode("x") } as const;
    assert.equal(await host.put(content, path, { sudo: true }), "done");
    assert.equal(await host.put(content, path, { sudo: true }), "unchanged");
    assert.equal((await host.execute(["/bin/sh", "-c", "exit 7"], { sudo: true })).code, 7);
  });

  it("that asks for a password, or does not allow it, is told as that", async (t) => {
    const words = [
      "a password is required",
      "deploy is not allowed to execute '/bin/sh' as root on fe001.",
    ];
    for (const why of words) {
      const host = await hostWithSudo(t, `echo "sudo: ${why}" >&2; exit 1`);
      await assert.rejects(host.execute(["true"], { sudo: true }), {
        code: "HOST_DENIED",
        message: `sudo on fe001: ${why}`,
        hint: /without a password/,
      });
    }
  });
});
