/** What tests of parts of plans on relays need: relays with homes of their own, pushes over targets, where they stand. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlanDelegation, PlanSummary } from "@propagit/protocol";
import { until, type DaemonProcess } from "./cli.js";
import { secret, type Cluster } from "./cluster.js";
import { FilesPlaces } from "./files.js";

export interface RelayPlace {
  readonly zone: string;
  /** Of the relay itself. */
  readonly port: number;
  /** Default: the hub's. */
  readonly hub?: number;
}

export class PartPlaces extends FilesPlaces {
  readonly #cluster: Cluster;
  readonly #targets: string;

  constructor(cluster: Cluster) {
    super(cluster);
    this.#cluster = cluster;
    this.#targets = join(cluster.folder, "targets.yaml");
  }

  writeTargets(yaml: string): Promise<void> {
    return writeFile(this.#targets, yaml);
  }

  /** It may have no hub yet. */
  async startRelay(name: string, { zone, port, hub }: RelayPlace): Promise<DaemonProcess> {
    await mkdir(this.home(name), { recursive: true });
    const to = hub ?? this.#cluster.ports.hub;
    const place = [`--hub=localhost:${to}`, `--secret=${secret}`, `--port=${port}`];
    const flags = [`--name=${name}`, `--zone=${zone}`, "--host=127.0.0.1", "--no-instances"];
    const words = ["relay", ...place, ...flags, `--data=${join(this.#cluster.folder, name)}`];
    return this.#cluster.start(name, "propagit", words, { HOME: this.home(name) });
  }

  /** Begins a push; resolves with its plan. */
  async pushOver(...words: readonly string[]): Promise<string> {
    const pushed = await this.push(`--targets=${this.#targets}`, "--detach", ...words);
    assert.equal(pushed.exitCode, 0, pushed.stderr + this.#cluster.output);
    return (JSON.parse(pushed.stdout) as PlanSummary).run;
  }

  /** In the home folder of a drone. */
  textOn(drone: string, path: string): Promise<string | undefined> {
    return readFile(join(this.home(drone), path), "utf8").catch(() => undefined);
  }

  /** @param limitMs longer where a relay may wait a minute until it tries again */
  async untilOn(drone: string, path: string, text: string, limitMs?: number): Promise<void> {
    const isThere = async () => (await this.textOn(drone, path)) === text;
    await until(`${text} on ${drone}\n${this.#cluster.output}`, isThere, limitMs);
  }

  async statusOf(run: string): Promise<PlanSummary> {
    const { stdout } = await this.#cluster.propagit("plans", "status", run, "--json");
    return JSON.parse(stdout || "{}") as PlanSummary;
  }

  async partsOf(run: string): Promise<readonly PlanDelegation[]> {
    const { stdout, stderr } = await this.run("status", run, "--json");
    assert.notEqual(stdout, "", stderr);
    return (JSON.parse(stdout) as { readonly parts: readonly PlanDelegation[] }).parts;
  }

  /** Hub and relays may have to find one another first, on a machine with much else to do. */
  async untilOver(run: string): Promise<void> {
    const isOver = async () => (await this.statusOf(run)).state === "over";
    await until(`the plan is over\n${this.#cluster.output}`, isOver, 120_000);
  }
}
