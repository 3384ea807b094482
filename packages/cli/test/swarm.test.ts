/** `propagit swarm` against a hub that says what a test wants. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { briefView, exitCodes, viewPieces, type Params } from "@propagit/protocol";
import { Command, run } from "./support/command.js";
import { FakeHub } from "./support/fake-hub.js";
import { artifact, share, view } from "./support/swarm-samples.js";
import { TerminalCommand } from "./support/terminal-command.js";

/** Answers as the hub does, and keeps what it was asked. */
async function hubWith(test: TestContext, views = [view()]) {
  const asked: Params<"hub.swarm">[] = [];
  const hub = await FakeHub.start({
    handlers: {
      "hub.swarm": (params, { part }) => {
        asked.push(params);
        const { repo, which = "" } = params;
        const meant = views.filter(
          (one) => one.repo === (repo ?? one.repo) && one.artifact.startsWith(which),
        );
        const all = meant.flatMap((one) => (params.brief ? [briefView(one)] : viewPieces(one)));
        for (const one of all.slice(0, -1)) part([one]);
        return { artifacts: all.slice(-1) };
      },
    },
  });
  test.after(() => hub.lose());
  return { hub, asked };
}

describe("propagit swarm", () => {
  it("shows a line for each artifact, and asks for counts only", async (test) => {
    const { hub, asked } = await hubWith(test);
    const { code, stdout } = await run(hub, ["swarm", "webapp"]);
    assert.equal(code, 0);
    assert.match(stdout, /^1 artifact, 4\.0 MiB\/s\n\nARTIFACT .*\n3f2a9c1e0b12 {2}webapp /);
    assert.deepEqual(asked, [{ repo: "webapp", brief: true }]);
  });

  it("shows everything about one, however many frames that takes", async (test) => {
    const many = Array.from({ length: 4_000 }, (_, index) => share(`drone-${index}`));
    const { hub, asked } = await hubWith(test, [view({ shares: many })]);
    const { code, stdout } = await run(hub, ["swarm", "--artifact", "3F2A9C", "--all"]);
    assert.equal(code, 0);
    assert.match(stdout, /4000\/4000 have it/);
    assert.equal(stdout.split("\n").filter((line) => line.startsWith("drone-")).length, 4_000);
    assert.deepEqual(asked, [{ which: "3f2a9c" }]);
  });

  it("prints all of it as JSON", async (test) => {
    const { hub, asked } = await hubWith(test);
    const { stdout } = await run(hub, ["swarm", "--json"]);
    assert.deepEqual(JSON.parse(stdout), { artifacts: [view()] });
    assert.deepEqual(asked, [{}]);
  });

  it("is drawn anew each second with --watch, until ^C", async (test) => {
    const { hub, asked } = await hubWith(test);
    const command = new TerminalCommand(test, hub, "swarm", "--artifact", artifact, "--watch");
    await command.said(/have it[\s\S]*have it/);
    command.pty.write("\u0003");
    assert.equal(await command.exited, 130);
    assert.ok(asked.length >= 2);
    assert.ok(command.text.includes("\u001B[?25h"), "the cursor is back");
  });

  it("is printed anew each second where there is no terminal, without control characters", async (test) => {
    const { hub } = await hubWith(test);
    const command = new Command(hub, "swarm", "--watch");
    await command.said(/ARTIFACT[\s\S]*ARTIFACT/);
    command.child.kill("SIGINT");
    assert.equal(await command.exited, 130);
    assert.doesNotMatch(command.stdout.replaceAll("\n", ""), /\p{Cc}/u);
  });

  it("ends with an error that names the others when there is no such artifact", async (test) => {
    const { hub } = await hubWith(test);
    for (const more of [[], ["--json"], ["--watch"]]) {
      const { code, stdout, stderr } = await run(hub, ["swarm", "--artifact", "0000", ...more]);
      assert.equal(code, exitCodes.notFound);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /no artifact begins with 0000, .*; there is 3f2a9c1e0b12 \(webapp 74336bc\)/,
      );
      assert.match(stderr, /see them with `propagit swarm`/);
    }
  });

  it("names only artifacts of the repository that was asked for", async (test) => {
    const { hub } = await hubWith(test);
    const { code, stderr } = await run(hub, ["swarm", "shop", "--artifact", "0000"]);
    assert.equal(code, exitCodes.notFound);
    assert.match(stderr, /no artifact of shop begins with 0000, .*; no artifact is on its way/);
  });

  it("is no error when nothing is on its way", async (test) => {
    const { hub } = await hubWith(test, []);
    const { code, stdout } = await run(hub, ["swarm"]);
    assert.equal(code, 0);
    assert.match(stdout, /^no artifact is on its way/);
  });

  it("refuses what is no beginning of a name", async (test) => {
    const { hub } = await hubWith(test);
    const { code, stderr } = await run(hub, ["swarm", "--artifact", "master"]);
    assert.equal(code, exitCodes.usage);
    assert.match(stderr, /--artifact: it takes 4 to 64 hex characters/);
  });
});
