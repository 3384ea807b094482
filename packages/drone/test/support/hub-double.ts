/** The hub as a drone meets it, in any world: takes it in, tells it what to run, keeps what it says. */
import { createHash } from "node:crypto";
import type {
  Assignment,
  InstanceReport,
  PropagitError,
  Service,
  Telling,
  Variables,
} from "@propagit/protocol";
import { Conversation, stretchSecret, type Wire, type World } from "@propagit/runtime";

export const secret = "beepboop";
export const clusterKey = stretchSecret(secret);

export type Said = Telling<"hub.instance">;

/** What a test says of an assignment; the rest is filled in. */
export type Wish = Pick<Assignment, "repo" | "commit"> & Partial<Assignment>;

/** An assignment for a drone with a command of its own, unless it names services. */
export function assignmentOf(wish: Wish): Assignment {
  const { repo, commit, environment = "production" } = wish;
  const id = createHash("sha256").update(`${repo} ${environment} ${commit}`).digest("hex");
  return { id: id.slice(0, 16), environment, artifact: commit, release: 1, services: [], ...wish };
}

/** A web service that a drone runs out of a repository, changed as a test wants it. */
export function serviceOf(change: Partial<Service> = {}): Service {
  return {
    name: "web",
    command: ["node", "web.js"],
    instances: { count: 1, per: "drone" },
    on: [],
    ports: [{ name: "http" }],
    ready: "listen",
    readyTimeoutMs: 30_000,
    stop: { signal: "SIGTERM", deadlineMs: 10_000 },
    restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
    env: {},
    after: [],
    ...change,
  };
}

export class HubDouble {
  /** Everything said with `hub.instance`, in order. */
  readonly said: Said[] = [];
  readonly gone: string[] = [];
  /** What it believes to run. */
  readonly instances = new Map<string, InstanceReport>();
  joins = 0;
  /** What it said when it left: whether its instances go on. */
  hasLeft: "running" | "stopped" | undefined;
  /** Services and settings by the id of their deployment; without services when it is not here. */
  readonly specifications = new Map<string, { services: Service[]; config?: Variables }>();
  /** Ids that were asked for. */
  readonly asked: string[] = [];
  timeoutMs = 30_000;
  keep: { repo: string; commit: string }[] = [];
  /** Answered to joins instead of a welcome. */
  refusal: PropagitError | undefined;
  /** Addresses that a drone asked about before it ended what is there. */
  readonly draining: string[] = [];
  /** What it is answered with; it waits for that. */
  drained: Promise<unknown> = Promise.resolve();
  /** Which hub it is; another data folder makes another one. */
  identity = "a".repeat(32);
  conversation: Conversation | undefined;
  readonly #world: World;
  #revision = 0;
  #assignments: readonly Assignment[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get registryPort(): number {
    return 6000;
  }

  assign(...wishes: Wish[]): void {
    this.#assignments = wishes.map(assignmentOf);
    this.#revision++;
    this.#tell();
  }

  /** As a restart does; what it assigns is in its ledger. */
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
          this.#world.clock.after(0, () => this.#tell());
          return {
            name,
            registry: { port: this.registryPort, open: false },
            hub: this.identity,
            timeoutMs: this.timeoutMs,
          };
        },
        "hub.leave": ({ running = false }) => {
          this.hasLeft = running ? "running" : "stopped";
          return {};
        },
        "hub.drained": async ({ addresses }) => {
          this.draining.push(...addresses);
          await this.drained;
          return { proxies: 1, inFlight: 0, silent: [] };
        },
        "hub.specification": ({ id }, { conversation }) => this.#specify(id, conversation),
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

  #specify(id: string, { peer }: Conversation) {
    this.asked.push(id);
    const { services, config = {} } = this.specifications.get(id) ?? { services: [] };
    if (!peer) throw new Error("cannot happen: it called");
    const hidden = this.#world.crypto.encrypt(peer.sessionKey, JSON.stringify(config));
    return { services, config: hidden };
  }

  #tell(): void {
    this.conversation?.tell("drone.assign", {
      revision: this.#revision,
      assignments: [...this.#assignments],
      keep: this.keep,
    });
  }
}
