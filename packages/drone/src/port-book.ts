/** Ports promised to instances, so that two that start at the same moment never get the same one. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type { PortRange } from "@propagit/runtime";
import type { InstanceRules, PortNumbers } from "./core/instance-state.js";
import type { Ports } from "./world.js";

type PortRule = InstanceRules["ports"][number];

export class PortBook {
  readonly #ports: Ports;
  readonly #range: PortRange;
  /** By PROCESS_ID, then by the port's name. */
  readonly #promised = new Map<string, PortNumbers>();
  /** Picks happen one after the other: between looking and promising nobody else looks. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: Ports, range: PortRange) {
    this.#ports = ports;
    this.#range = range;
  }

  /**
   * A number for each port: its own when it has one, else the former one when that is still free, else
   * another.
   *
   * @throws NO_FREE_PORT, PORT_TAKEN
   */
  pick(process: string, rules: readonly PortRule[], former: PortNumbers): Promise<PortNumbers> {
    const picked = this.#last.then(() => this.#pickAll(process, rules, former));
    this.#last = picked.catch(() => undefined);
    return picked;
  }

  /** What a process of an earlier life listens on is its own. */
  keep(process: string, ports: PortNumbers): void {
    this.#promised.set(process, ports);
  }

  release(process: string): void {
    this.#promised.delete(process);
  }

  async #pickAll(
    process: string,
    rules: readonly PortRule[],
    former: PortNumbers,
  ): Promise<PortNumbers> {
    this.#promised.delete(process);
    const taken = new Set([...this.#promised.values()].flatMap((ports) => Object.values(ports)));
    const picked: Record<string, number> = {};
    for (const rule of rules) {
      const port = await this.#pick(rule, former[rule.name], taken);
      taken.add(port);
      picked[rule.name] = port;
    }
    this.#promised.set(process, picked);
    return picked;
  }

  async #pick(
    { name, port }: PortRule,
    former: number | undefined,
    taken: ReadonlySet<number>,
  ): Promise<number> {
    const avoid = (candidate: number) => taken.has(candidate);
    if (port === undefined) return this.#ports.pick({ range: this.#range, wanted: former, avoid });
    if (taken.has(port)) {
      throw portTaken(name, port, "another instance on this drone has it");
    }
    try {
      return await this.#ports.pick({ range: { low: port, high: port }, wanted: port, avoid });
    } catch (thrown) {
      if (toPropagitError(thrown).code !== "NO_FREE_PORT") throw thrown;
      throw portTaken(name, port, "another program on this machine listens there");
    }
  }
}

function portTaken(name: string, port: number, why: string): PropagitError {
  return new PropagitError("PORT_TAKEN", `port ${port} (${name}) is taken: ${why}`, {
    hint: "end what is there, or leave the number out of propagit.yaml, so that the drone chooses one",
  });
}
