/**
 * A cluster under the eyes of visitors: hub, registry, two drones, two proxies, and somebody who deploys,
 * promotes, splits, rolls back and stops while they come.
 */
import { join } from "node:path";
import type { DroneSummary, ProxySummary, ReleaseSummary } from "@propagit/protocol";
import { until, type DaemonProcess, type Finished } from "../cli.js";
import { Cluster, freePort } from "../cluster.js";
import { WorkTree } from "../git.js";
import { AllowedCommits } from "./allowed.js";
import { writeSwitchApp } from "./app.js";
import { SlowVisits } from "./slow-visits.js";
import { Tally } from "./tally.js";
import { KeptVisitor } from "./visitor.js";

const repo = "webapp";
const host = "webapp.localhost";
/** For what must come true; far above what it takes. */
const patienceMs = 90_000;

export interface VisitorsOptions {
  /** Kept connections, over both proxies. */
  readonly connections: number;
  readonly pauseMs: number;
  /** How long slow visits take. */
  readonly slowMs: number;
}

/** Visitors of one round. */
export interface Visitors {
  readonly tally: Tally;
  /** Resolves when everybody got his last answer. */
  stop(): Promise<void>;
}

export class SwitchDrill {
  readonly cluster: Cluster;
  readonly allowed = new AllowedCommits();
  /** By the letter that the drill calls them. */
  readonly commits = new Map<string, string>();
  readonly proxyPorts: number[] = [];
  registry!: DaemonProcess;
  hub!: DaemonProcess;
  readonly drones = new Map<string, DaemonProcess>();
  readonly proxies: DaemonProcess[] = [];
  readonly #tree: WorkTree;

  private constructor(cluster: Cluster, tree: WorkTree) {
    this.cluster = cluster;
    this.#tree = tree;
  }

  /** Everything runs, and visitors get A. */
  static async start(): Promise<SwitchDrill> {
    const cluster = await Cluster.create();
    const tree = await WorkTree.create(join(cluster.folder, "webapp"));
    await writeSwitchApp(tree);
    const drill = new SwitchDrill(cluster, tree);
    drill.registry = await cluster.startRegistry();
    await drill.startHub();
    for (const name of ["a", "b"]) await drill.startDrone(name);
    for (const name of ["p", "q"]) await drill.#startProxy(name);
    await drill.deploy("A");
    return drill;
  }

  async startHub(): Promise<void> {
    this.hub = await this.cluster.startHub();
  }

  async startRegistry(): Promise<void> {
    this.registry = await this.cluster.startRegistry();
  }

  async startDrone(name: string): Promise<void> {
    const flags = [`--name=${name}`, `--data=${join(this.cluster.folder, `drone-${name}`)}`];
    this.drones.set(name, await this.cluster.startDrone([], flags));
  }

  visit({ connections, pauseMs, slowMs }: VisitorsOptions): Visitors {
    const tally = new Tally(this.allowed);
    const kept = Array.from({ length: connections }, (_, at) => {
      const port = this.proxyPorts[at % this.proxyPorts.length] ?? 0;
      return new KeptVisitor({ port, host, tally, pauseMs });
    });
    const slow = this.proxyPorts.map(
      (port) => new SlowVisits({ port, host, tally, tookMs: slowMs }),
    );
    return {
      tally,
      async stop() {
        for (const one of kept) one.stop();
        await Promise.all([...kept.map(({ ended }) => ended), ...slow.map((one) => one.stop())]);
      },
    };
  }

  /** A new commit, that all visitors get. */
  async deploy(letter: string): Promise<void> {
    const commit = await this.push(letter);
    await this.#now([letter], () => this.run("deploy", "--promote", repo, commit));
  }

  /** A new commit, that nobody gets yet. */
  async deployAside(letter: string): Promise<void> {
    const commit = await this.push(letter);
    await this.run("deploy", "--no-promote", repo, commit);
  }

  async promote(letter: string): Promise<void> {
    await this.#now([letter], () => this.run("promote", repo, this.commitOf(letter)));
  }

  /** @param to to whom it goes back */
  async rollback(to: string): Promise<void> {
    await this.#now([to], () => this.run("rollback", repo));
  }

  async split(shares: Readonly<Record<string, number>>): Promise<void> {
    const words = Object.entries(shares).map(([one, weight]) => `${this.commitOf(one)}=${weight}`);
    await this.#now(Object.keys(shares), () => this.run("split", repo, ...words));
  }

  /** @param left who gets visitors afterwards */
  async stop(letter: string, left: readonly string[]): Promise<void> {
    await this.#now(left, () => this.run("stop", "--force", repo, this.commitOf(letter)));
  }

  /** Something that changes who gets visitors, done by hand. */
  async during(letters: readonly string[], change: () => Promise<unknown>): Promise<void> {
    await this.#now(letters, change);
  }

  async push(letter: string): Promise<string> {
    await this.#tree.write("letter.txt", letter);
    const commit = await this.#tree.commit(letter);
    this.commits.set(letter, commit);
    await this.#tree.git(
      "push",
      "--quiet",
      "--push-option=deploy=no",
      `http://localhost:${this.cluster.ports.hub}/${repo}`,
      "master",
    );
    return commit;
  }

  commitOf(letter: string): string {
    const commit = this.commits.get(letter);
    if (commit === undefined) throw new Error(`nothing is called ${letter}`);
    return commit;
  }

  /** A command that must succeed. */
  async run(command: string, ...args: readonly string[]): Promise<Finished> {
    const finished = await this.cluster.propagit(command, ...args);
    if (finished.exitCode === 0) return finished;
    const said = `${finished.stdout}${finished.stderr}`;
    throw new Error(`propagit ${command} ${args.join(" ")}: ${said}\n${this.cluster.output}`);
  }

  async releaseOf(letter: string): Promise<ReleaseSummary | undefined> {
    const { exitCode, stdout } = await this.cluster.propagit("releases", repo, "--json");
    if (exitCode !== 0) return undefined;
    const releases = JSON.parse(stdout) as ReleaseSummary[];
    return releases.find(({ commit }) => commit === this.commitOf(letter));
  }

  /** Waits until both drones are there, and nothing of it runs any more. */
  async untilGone(letter: string): Promise<void> {
    await this.until(`${letter} to be gone`, async () => {
      const drones = await this.cluster.propagit("drones", "--json");
      const ps = await this.cluster.propagit("ps", "--json");
      if (drones.exitCode !== 0 || ps.exitCode !== 0) return false;
      const known = JSON.parse(drones.stdout) as DroneSummary[];
      const areThere = known.every(({ state }) => state === "connected");
      return areThere && !ps.stdout.includes(this.commitOf(letter));
    });
  }

  /** Waits until both proxies are there, and go by the routes as they are. */
  async untilApplied(): Promise<void> {
    await until(
      "the proxies to go by the routes",
      async () => {
        const { exitCode, stdout } = await this.cluster.propagit("proxies", "--json");
        if (exitCode !== 0) return false;
        const known = JSON.parse(stdout) as ProxySummary[];
        return known.every(
          ({ state, revision, behind }) =>
            state === "connected" && revision !== undefined && behind === 0,
        );
      },
      patienceMs,
    );
  }

  async until(
    what: string,
    condition: () => Promise<boolean>,
    limitMs = patienceMs,
  ): Promise<void> {
    await until(what, condition, limitMs);
  }

  async #startProxy(name: string): Promise<void> {
    const port = await freePort();
    this.proxyPorts.push(port);
    const args = ["proxy", ...this.cluster.hubFlags, `--port=${port}`, `--name=${name}`];
    const data = `--data=${join(this.cluster.folder, `proxy-${name}`)}`;
    const daemon = this.cluster.start(`proxy ${name}`, "propagit", [...args, data]);
    await daemon.said(/listening on/);
    this.proxies.push(daemon);
  }

  #now(letters: readonly string[], change: () => Promise<unknown>): Promise<void> {
    const commits = letters.map((letter) => this.commitOf(letter));
    return this.allowed.during(commits, async () => {
      await change();
    });
  }
}
