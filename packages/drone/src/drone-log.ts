/** What a drone says to whoever runs it: whether the hub is there, and how instances fare. */
import { formatAddress, type Address, type ErrorCode } from "@propagit/protocol";
import type { LinkState } from "@propagit/runtime";
import type { InstanceStep } from "./core/instance-state.js";
import type { InstanceRunner } from "./instance-runner.js";
import type { DroneWorld } from "./world.js";

/** Between two reminders that the hub is away. */
const reminderMs = 30_000;

export class DroneLog {
  readonly #world: DroneWorld;
  /** What was said last about the hub being away, and when. */
  #said: { readonly code: ErrorCode; readonly at: number } | undefined;
  readonly #phases = new Map<string, string>();

  constructor(world: DroneWorld) {
    this.#world = world;
  }

  cameUp(name: string, hub: Address): void {
    this.#said = undefined;
    this.#world.log.info(`connected to the hub at ${formatAddress(hub)} as drone ${name}`);
  }

  /** Says it at once, whenever the reason is another, and every now and then. */
  away({ reason, movesTo }: Extract<LinkState, { kind: "waiting" }>, hub: Address): void {
    if (movesTo) {
      const [now, before] = [formatAddress(movesTo), formatAddress(hub)];
      this.#world.log.info(`moves to a better way to the hub: ${now} instead of ${before}`);
      return;
    }
    const now = this.#world.clock.monotonic();
    const { code } = reason;
    if (this.#said?.code === code && now - this.#said.at < reminderMs) return;
    this.#said = { code, at: now };
    this.#world.log.warn(
      `no connection to the hub at ${formatAddress(hub)}: ${reason.message}; ` +
        "trying again, instances keep running",
    );
  }

  tellInstance(runner: InstanceRunner, step: InstanceStep["done"]): void {
    const { log } = this.#world;
    const { life, identity } = runner.state;
    if (step) log.info(`${runner.title}: ${step}`);
    if (this.#phases.get(identity.process) === life.kind) return;
    this.#phases.set(identity.process, life.kind);
    if (life.kind === "stopped") this.#phases.delete(identity.process);
    if (life.kind === "ready") {
      const { port } = runner.report;
      log.info(`${runner.title}: ready${port === undefined ? "" : ` on port ${port}`}`);
    } else if (life.kind === "failed" || life.kind === "restarting") {
      const lines = life.lastLines.map((line) => `\n    ${line}`).join("");
      log.warn(`${runner.title}: ${life.kind}: ${life.reason}${lines}`);
    } else if (life.kind === "stopping" || life.kind === "stopped") {
      log.info(`${runner.title}: ${life.kind}`);
    }
  }
}
