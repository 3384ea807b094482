/** The hub as a drone meets it, in any world: takes it in, tells it what to run, keeps what it says. */
import type { Deployment, InstanceReport, PropagitError, Telling } from "@propagit/protocol";
import { Conversation, stretchSecret, type Wire, type World } from "@propagit/runtime";

export const secret = "beepboop";
export const clusterKey = stretchSecret(secret);

export type Said = Telling<"hub.instance">;

export class HubDouble {
  /** Everything said with `hub.instance`, in order. */
  readonly said: Said[] = [];
  readonly gone: string[] = [];
  /** What it believes to run. */
  readonly instances = new Map<string, InstanceReport>();
  joins = 0;
  hasLeft = false;
  /** Answered to joins instead of a welcome. */
  refusal: PropagitError | undefined;
  /** Which hub it is; another data folder makes another one. */
  identity = "a".repeat(32);
  conversation: Conversation | undefined;
  readonly #world: World;
  #revision = 0;
  #deployments: readonly Deployment[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get registryPort(): number {
    return 6000;
  }

  desire(...deployments: Deployment[]): void {
    this.#deployments = deployments;
    this.#revision++;
    this.#tellDesire();
  }

  /** As a restart does; what it desires is in its ledger. */
  forget(): void {
    this.conversation = undefined;
    this.instances.clear();
  }

  accept(wire: Wire): void {
    const conversation = new Conversation(this.#world, wire, {
      side: { kind: "server", clusterKey, heartbeatMs: 1_000 },
      handlers: {
        "hub.join": ({ name, instances }, { conversation }) => {
          if (this.refusal) throw this.refusal;
          this.joins++;
          this.conversation = conversation;
          this.instances.clear();
          for (const report of instances) this.instances.set(report.process, report);
          this.#world.clock.after(0, () => this.#tellDesire());
          return {
            name,
            registry: { port: this.registryPort, open: false },
            hub: this.identity,
          };
        },
        "hub.leave": () => {
          this.hasLeft = true;
          return {};
        },
      },
      tellingHandlers: {
        "hub.instance": (said, from) => {
          if (from !== this.conversation) return;
          this.said.push(said);
          this.instances.set(said.instance.process, said.instance);
        },
        "hub.instance-gone": ({ process }, from) => {
          if (from !== this.conversation) return;
          this.gone.push(process);
          this.instances.delete(process);
        },
      },
    });
    void this.#forgetWhenOver(conversation);
  }

  async #forgetWhenOver(conversation: Conversation): Promise<void> {
    await conversation.over;
    if (this.conversation === conversation) this.conversation = undefined;
  }

  #tellDesire(): void {
    this.conversation?.tell("drone.desire", {
      revision: this.#revision,
      deployments: [...this.#deployments],
    });
  }
}
