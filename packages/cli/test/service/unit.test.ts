import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { daemons, unitName, unitText, type UnitPlan } from "../../src/service/unit.js";

const plan: UnitPlan = {
  daemon: "hub",
  program: [process.execPath, "/opt/propagit/bin/propagit.js", "hub"],
  words: ["--port=6001"],
  scope: "system",
  user: "daemon",
  dataFolder: "/var/lib/propagit/hub",
  secretFile: "/etc/propagit/secret",
};

describe("a unit", () => {
  it("hands the secret over by a credential, never on the command line", () => {
    const text = unitText(plan);
    assert.match(text, /^LoadCredential=secret:\/etc\/propagit\/secret$/m);
    assert.match(text, /^ExecStart=\S+ \S+ hub --port=6001 --secret-file=%d\/secret --data=\S+$/m);
  });

  it("of a drone leaves its instances running, and takes nothing from them", () => {
    const text = unitText({ ...plan, daemon: "drone" });
    assert.match(text, /^KillMode=process$/m);
    assert.doesNotMatch(text, /ProtectSystem|NoNewPrivileges|PrivateTmp/);
    assert.doesNotMatch(unitText(plan), /KillMode/);
  });

  it("of a proxy is reloaded by a new version that takes over, and ended by the first one", () => {
    const text = unitText({ ...plan, daemon: "proxy" });
    assert.match(text, /^ExecReload=\/bin\/kill -USR2 \$MAINPID$/m);
    assert.match(text, /^KillMode=mixed$/m);
  });

  it("keeps words as they are, whatever systemd would make of them", () => {
    const words = ["--label=a=b", "--", "sh", "-c", 'echo "$A" 100% \\'];
    assert.match(
      unitText({ ...plan, daemon: "drone", words }),
      /--label=a=b --secret-file=%d\/secret --data=\S+ -- sh -c "echo \\"\$\$A\\" 100%% \\\\"$/m,
    );
  });

  const found = spawnSync("systemd-analyze", ["--version"]);
  const without = found.error ? "systemd-analyze is not here" : false;
  for (const scope of ["system", "user"] as const) {
    it(`of each daemon is what systemd takes, for a ${scope}`, { skip: without }, (test) => {
      const folder = mkdtempSync(join(tmpdir(), "propagit-units-"));
      test.after(() => rmSync(folder, { recursive: true }));
      const paths = daemons.map((daemon) => {
        const path = join(folder, unitName(daemon));
        const user = scope === "system" ? plan.user : undefined;
        writeFileSync(path, unitText({ ...plan, daemon, scope, user }));
        return path;
      });
      const flags = scope === "user" ? ["--user"] : [];
      const { status, stderr } = spawnSync("systemd-analyze", [...flags, "verify", ...paths], {
        encoding: "utf8",
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      const ours = stderr.split("\n").filter((line) => line.includes("propagit-"));
      assert.deepEqual([status, ours], [0, []], stderr);
    });
  }
});
