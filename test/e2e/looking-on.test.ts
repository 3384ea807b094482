/** What is told of plans that the hub carries out to whoever looks on: where to look, what waits, for whom, until when. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type PlanSummary } from "@propagit/protocol";
import { Cluster, runCli, until, type Finished } from "@propagit/test-support";

describe("looking on at plans of a hub", () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
  });

  after(() => cluster.destroy());

  const plans = (...words: readonly string[]): Promise<Finished> => plansAs("carl", ...words);

  const plansAs = (by: string, ...words: readonly string[]): Promise<Finished> =>
    runCli("propagit", ["plans", ...words, ...cluster.hubFlags], {
      ...cluster.env,
      PROPAGIT_BY: by,
    });

  async function begin(name: string, gate: object): Promise<string> {
    const said = { command: "message", message: "hello" };
    const stages = [
      { name: "first", tasks: [said] },
      { name: "second", gate, tasks: [said] },
    ];
    const file = join(cluster.folder, `${name}.json`);
    await writeFile(file, JSON.stringify({ name, stages }));
    const begun = await cluster.propagit("apply", file, "--detach");
    assert.equal(begun.exitCode, exitCodes.ok, begun.stderr + cluster.output);
    const [, run = ""] = /^([0-9a-f]{10}) {2}the hub carries it out$/m.exec(begun.stdout) ?? [];
    const lines = begun.stdout.split("\n");
    for (const words of [`status ${run} --follow`, `status ${run} --events`, `stop ${run}`]) {
      const isTold = lines.some((line) => line.endsWith(` propagit plans ${words}`));
      assert.ok(isTold, begun.stdout);
    }
    return run;
  }

  async function stateOf(run: string): Promise<PlanSummary> {
    const { stdout } = await plans("status", run, "--json");
    return JSON.parse(stdout) as PlanSummary;
  }

  it("says how to carry one out when there is none", async () => {
    const none = await plans("status");
    assert.equal(none.exitCode, exitCodes.notFound);
    assert.match(none.stderr, /no plan was carried out by the hub\n {2}.*propagit apply PLAN/);
    assert.match((await plans()).stdout, /no plan was carried out by the hub: propagit apply PLAN/);
  });

  it("shows the plan that goes without its id, and who is to approve it by which command", async () => {
    const run = await begin("asked", { approval: ["ann", "bob"] });
    await until("it waits", async () => (await stateOf(run)).approval !== undefined);
    const waits = `second waits for approval by ann or bob: propagit plans approve ${run}`;
    const status = await plans("status");
    assert.match(status.stdout, new RegExp(`^asked {2}${run} waits for approval, begun `));
    assert.match(status.stdout, /1 done, 1 ahead/);
    assert.ok(status.stdout.includes(`\n   ${waits}\n`), status.stdout);
    assert.match(status.stdout, /2\. second {2}waits: the approval of ann or bob/);
    const list = await plans();
    assert.match(list.stdout, new RegExp(`^${run} +asked +waits for approval `, "m"));
    assert.ok(list.stdout.trimEnd().endsWith(`\n\n${waits}`), list.stdout);

    const denied = await plansAs("eve", "approve", run);
    assert.equal(denied.exitCode, exitCodes.denied);
    assert.match(denied.stderr, /for ann or bob to approve, not for eve\n {2}ask one of them to; /);
    const approved = await plansAs("bob", "approve", run);
    assert.equal(approved.exitCode, exitCodes.ok, approved.stderr);
    await until("it is over", async () => (await stateOf(run)).state === "over");
    const over = await plans("status");
    assert.match(over.stdout, new RegExp(`^asked {2}${run} done, .*2 done\n`));
    assert.doesNotMatch(over.stdout, /approve/);
    assert.match((await plans("status", run, "--events")).stdout, /bob asks to approve/);
  });

  it("says what a stop does, also to what is under way", async () => {
    const run = await begin("stopped", { approval: true });
    await until("it waits", async () => (await stateOf(run)).approval !== undefined);
    const stopped = await plans("stop", run, "--now");
    assert.equal(stopped.exitCode, exitCodes.ok, stopped.stderr);
    assert.equal(
      stopped.stdout.trimEnd(),
      `${run}: nothing new begins; what is under way is ended`,
    );
    await until("it is over", async () => (await stateOf(run)).state === "over");
    const status = await plans("status", run);
    assert.match(status.stdout, new RegExp(`^ {3}to try again: propagit plans retry ${run}$`, "m"));
  });
});
