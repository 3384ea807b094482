/** A swarm in virtual time whose drones are introduced to each other by a tracker, as a hub does it. */
import type { ShareReport } from "@propagit/protocol";
import { Tracker, type Share, type TrackerEffect } from "../../src/index.js";
import { Taker, TestSwarm, type JoinOptions, type MadeArtifact } from "./swarm.js";

export interface TrackedOptions {
  readonly seed: number;
  /** Of each host, up and down. */
  readonly linkBytesPerSecond: number;
}

/** From drone to hub, and back. */
const messageMs = 2;

export class TrackedSwarm {
  readonly swarm: TestSwarm;
  readonly #trackers = new Map<string, Tracker>();
  readonly #artifacts = new Map<string, MadeArtifact>();
  /** The hub's part in each artifact. */
  readonly offered = new Map<string, Share>();
  #isHubThere = false;

  constructor({ seed, linkBytesPerSecond }: TrackedOptions) {
    this.swarm = new TestSwarm(seed, { linkBytesPerSecond });
  }

  /** A number in [0, 1), of the seed. */
  readonly fraction = (): number => this.swarm.random.fraction();

  /** One of them by chance. */
  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.fraction() * from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  async offer(artifact: MadeArtifact): Promise<void> {
    const hub = this.swarm.nodes.get("hub") ?? this.swarm.join("hub", { role: "hub" });
    this.#isHubThere = true;
    this.#artifacts.set(artifact.id, artifact);
    const peer = { name: "hub", role: "hub", host: "hub", port: 1 } as const;
    const { fraction } = this;
    this.#trackers.set(artifact.id, new Tracker({ hub: peer, relayOf: () => undefined, fraction }));
    this.offered.set(artifact.id, await this.swarm.offer(hub, artifact));
  }

  /** Somebody who takes part in a way of his own: others are introduced to him. */
  seat(name: string, artifact: MadeArtifact): void {
    this.#peersFor(name, artifact);
  }

  take(name: string, artifact: MadeArtifact, options: JoinOptions = {}): Taker {
    const { clock, nodes } = this.swarm;
    const changed = (report: ShareReport) =>
      void clock.after(messageMs / 2, () => this.#hear(name, report));
    const drone = nodes.get(name) ?? this.swarm.join(name, { ...options, changed });
    const peers = this.#peersFor(name, artifact);
    return new Taker(drone, drone.node.take({ ...this.#admission(name, artifact), peers }), clock);
  }

  kill(name: string, how: "process" | "power" = "process"): void {
    if (name === "hub") this.#isHubThere = false;
    this.swarm.kill(name, how);
    for (const [artifact, tracker] of this.#trackers)
      this.#carryOut(artifact, tracker.contact(name, false, this.#now()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.swarm.nodes.values()].map(({ node }) => node.stop()));
  }

  #admission(name: string, artifact: MadeArtifact) {
    return this.swarm.admission(artifact, name, []);
  }

  #peersFor(name: string, { id }: MadeArtifact) {
    const participant = { name, role: "drone", host: name, port: 1 } as const;
    const tracker = this.#trackers.get(id);
    if (!tracker || !this.#isHubThere) return [];
    const { peers, effects } = tracker.join(participant, this.#now());
    this.#carryOut(id, effects);
    return peers;
  }

  #hear(name: string, report: ShareReport): void {
    if (!this.#isHubThere) return;
    const effects = this.#trackers.get(report.artifact)?.report(name, report, this.#now());
    this.#carryOut(report.artifact, effects ?? []);
  }

  #carryOut(artifact: string, effects: readonly TrackerEffect[]): void {
    if (!this.#isHubThere) return;
    for (const effect of effects) {
      if (effect.kind !== "introduce") continue;
      const { peers, to } = effect;
      this.swarm.clock.after(messageMs / 2, () => {
        this.swarm.nodes.get(to)?.node.share(artifact)?.introduce(peers);
      });
    }
  }

  #now(): number {
    return this.swarm.clock.now();
  }
}
