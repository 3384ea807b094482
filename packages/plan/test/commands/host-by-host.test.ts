/**
 * The plan of examples/host-by-host, by the real engine and the real commands, on hosts that are folders of this
 * machine: to its end, and broken in the middle.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { nodeClock, nodeRandom, silentLog } from "@propagit/runtime";
import {
  HostExecutor,
  PlanEngine,
  readPlan,
  SimJournal,
  toolBox,
  type Host,
  type Plan,
  type TaskPlace,
} from "../../src/index.js";
import { FakeConsul } from "../support/fake-consul.js";
import { hostWithServices } from "../support/fake-services.js";
import { temporaryFolder } from "../support/folders.js";
import { noMeans } from "../support/tool-box.js";

const file = new URL("../../../../../examples/host-by-host/plan.yaml", import.meta.url);
const text = readFileSync(file, "utf8");
const names = ["deploy@fe001", "deploy@fe002", "deploy@fe003"] as const;

/** A host with web 1.9 that runs and has visitors, and the package of 2.0. */
class Machine {
  readonly consul = new FakeConsul();
  readonly #folder: string;
  #host: Host | undefined;
  #state = "";
  /** What its new version answers. */
  answers = 200;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder);
    const { host, state } = await hostWithServices(this.#folder);
    [this.#host, this.#state] = [host, state];
    await writeFile(join(state, "web"), "");
    for (const one of ["incoming", "releases/web-1.9", "made"]) {
      await mkdir(this.#place(one), { recursive: true });
    }
    await writeFile(this.#place("made/web.js"), "2.0");
    execFileSync("tar", ["-czf", this.#place("incoming/web-2.0.tar.gz"), "web.js"], {
      cwd: this.#place("made"),
    });
    await symlink("releases/web-1.9", this.#place("current"));
  }

  /** This machine, with `/srv` where the host has it. */
  get host(): Host {
    const local = this.#host;
    assert.ok(local);
    const here = (word: string) => word.replaceAll("/srv/", `${this.#folder}/srv/`);
    return {
      ...local,
      execute: (words, options) => local.execute(words.map(here), options),
      exists: (path) => local.exists(here(path)),
      request: async (request) =>
        request.url.includes(":8500/")
          ? this.consul.answer(request)
          : { status: this.answers, body: "" },
    };
  }

  /** `2.0 runs, with visitors` */
  async view(): Promise<string> {
    const version = (await readlink(this.#place("current"))).replace("releases/web-", "");
    const how = existsSync(join(this.#state, "web")) ? "runs" : "is stopped";
    return `${version} ${how}, ${this.consul.maintained.size > 0 ? "drained" : "with visitors"}`;
  }

  #place(name: string): string {
    return join(this.#folder, "srv/web", name);
  }
}

class Fleet {
  readonly machines = new Map<string, Machine>();
  readonly journal = new SimJournal();

  static async open(t: TestContext): Promise<Fleet> {
    const folder = await temporaryFolder(t);
    const fleet = new Fleet();
    for (const name of names) {
      const machine = new Machine(join(folder, name));
      await machine.prepare();
      fleet.machines.set(name, machine);
    }
    return fleet;
  }

  machine(name: string): Machine {
    const found = this.machines.get(name);
    assert.ok(found);
    return found;
  }

  async views(): Promise<readonly string[]> {
    return Promise.all([...this.machines.values()].map((machine) => machine.view()));
  }

  async carryOut(
    plan: Plan,
  ): Promise<{ readonly engine: PlanEngine; readonly outcome: string | undefined }> {
    const hostFor = (where: TaskPlace) =>
      this.machine(where.kind === "host" ? where.host : "").host;
    const executor = new HostExecutor({
      commands: toolBox,
      clock: nodeClock,
      means: noMeans,
      hostFor,
    });
    const { journal } = this;
    const world = { clock: nodeClock, random: nodeRandom, log: silentLog, journal, executor };
    const engine = await PlanEngine.open({ ...world, prober: executor });
    await engine.start(plan, { by: "ann", id: "a" });
    return { engine, outcome: (await engine.over("a")).outcome };
  }
}

const planAs = (change: (written: string) => string) =>
  readPlan({ file: "plan.yaml", text: change(text) }, toolBox);
/** Nobody waits for a minute until what does not answer has not answered. */
const soon = (written: string) =>
  written.replaceAll("url: http://127.0.0.1:8080/up", "url: http://127.0.0.1:8080/up, within: 0s");

describe("one host after the other", () => {
  it("brings the version to each, and each is back before the next one goes", async (t) => {
    const fleet = await Fleet.open(t);
    const { engine, outcome } = await fleet.carryOut(planAs(soon));
    assert.equal(outcome, "done");
    assert.deepEqual(await fleet.views(), Array(3).fill("2.0 runs, with visitors"));
    const { events } = await fleet.journal.read("a");
    const order = events.flatMap((event) => (event.kind === "task-ended" ? [event.task] : []));
    const own = order.filter((task) => task.startsWith("1."));
    assert.deepEqual(own, own.toSorted());
    assert.equal(own.length, 21);
    engine.close();
  });

  it("leaves no host drained, stopped or with the new version when the second one fails in the middle", async (t) => {
    const fleet = await Fleet.open(t);
    fleet.machine("deploy@fe002").answers = 502;
    const { engine, outcome } = await fleet.carryOut(planAs(soon));
    assert.equal(outcome, "undone");
    assert.deepEqual(await fleet.views(), Array(3).fill("1.9 runs, with visitors"));
    assert.deepEqual(fleet.machine("deploy@fe003").consul.calls, [], "it was never touched");
    engine.close();
  });

  it("stays where it stopped without a rollback, and is put back when somebody asks for that", async (t) => {
    const fleet = await Fleet.open(t);
    fleet.machine("deploy@fe002").answers = 502;
    const plan = planAs((written) => soon(written).replace("onFailure: rollback", ""));
    const { engine, outcome } = await fleet.carryOut(plan);
    assert.equal(outcome, "failed");
    const half = ["2.0 runs, with visitors", "2.0 runs, drained", "1.9 runs, with visitors"];
    assert.deepEqual(await fleet.views(), half);
    await engine.ask("a", { kind: "stop", undo: true }, "ann");
    assert.equal((await engine.over("a")).outcome, "undone");
    assert.deepEqual(await fleet.views(), Array(3).fill("1.9 runs, with visitors"));
    engine.close();
  });
});
