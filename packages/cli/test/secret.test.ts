import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findSecret } from "../src/secret.js";

describe("the secret", () => {
  it("comes from the flag first, then its file, then the environment", () => {
    const folder = mkdtempSync(join(tmpdir(), "propagit-secret-"));
    const file = join(folder, "secret");
    writeFileSync(file, "of the file\n");
    const env = { PROPAGIT_SECRET: "of the environment", PROPAGIT_SECRET_FILE: file };
    assert.equal(findSecret({ secret: "of the flag", secretFile: file }, env), "of the flag");
    assert.equal(findSecret({ secretFile: file }, env), "of the file");
    assert.equal(findSecret({}, env), "of the environment");
    assert.equal(findSecret({}, { PROPAGIT_SECRET_FILE: file }), "of the file");
    assert.equal(findSecret({}, {}), undefined);
    rmSync(folder, { recursive: true });
  });

  it("is never empty, and a file that cannot be read is named", () => {
    assert.throws(() => findSecret({ secret: "" }, {}), /--secret is empty/);
    assert.throws(
      () => findSecret({ secretFile: "/nowhere" }, {}),
      /\/nowhere cannot be read: ENOENT/,
    );
  });
});
