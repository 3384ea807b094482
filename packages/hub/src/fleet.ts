/**
 * The drones: who is connected, who is missed, and what each one reported last.
 *
 *     (unknown) --join--> connected --connection ends--> lost --drone timeout--> away
 *                             \--leave--> left           (each of them --join--> connected)
 *
 * Names and the last written state are rows of the ledger; connections and reports are in memory only,
 * since every drone brings its reports with it when it comes back.
 */
import {
  assert,
  PropagitError,
  type InstanceReport,
  type MethodName,
  type Params,
  type Result,
  type Telling,
} from "@propagit/protocol";
import type { CallOptions, Conversation, Timer, World } from "@propagit/runtime";
import type { Contact, Step } from "./core/contact.js";
import { instanceEvent } from "./core/instance-event.js";
import { Draft } from "./core/draft.js";
import {
  checkJoin,
  forgetDrones,
  labelsOf,
  planJoin,
  type JoinParams,
  type Labels,
} from "./core/membership.js";
import type { DroneRow, LedgerChange } from "./core/rows.js";
import type { Ledger } from "./ledger.js";

/** Instances of one drone; as many as `hub.join` may bring. */
const instancesMax = 4_000;

/** One drone as it is known right now. */
export interface Member {
  readonly identity: string;
  readonly name: string;
  readonly contact: Contact;
  /** When that contact began, in ms since 1970. */
  readonly since: number;
  /** By process. */
  readonly instances: ReadonlyMap<string, InstanceReport>;
  /** Those it was started with, as changed since. */
  readonly labels: Labels;
  /** It gets nothing new: it is drained, or a relay that runs nothing. */
  readonly draining: boolean;
  /** It runs a command of its own, whatever a repository says. */
  readonly ownCommand: boolean;
  /** Where others get pieces of artifacts from it; undefined while it only fetches with git. */
  readonly swarm: JoinParams["swarm"];
}

export interface FleetListener {
  readonly observed: (identity: string, report: InstanceReport, step: Step | undefined) => void;
  readonly contact: (identity: string, contact: Contact) => void;
}

export interface FleetOptions {
  /** A drone that was lost is waited for this long, as when it restarts; then it is away. */
  readonly droneTimeoutMs: number;
}

/** How a drone is connected, and what it reported; the rest is its row. */
interface LiveMember {
  readonly identity: string;
  contact: Contact;
  since: number;
  readonly instances: Map<string, InstanceReport>;
  swarm: JoinParams["swarm"];
  conversation: Conversation | undefined;
  timer: Timer | undefined;
}

export class Fleet {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #options: FleetOptions;
  readonly #listeners = new Set<FleetListener>();
  readonly #members = new Map<string, LiveMember>();
  readonly #byConversation = new WeakMap<Conversation, LiveMember>();
  /** Calls under way for a deployment, by drone and deployment: it may ask what that is. */
  readonly #entrusted = new Map<string, number>();
  #isStopped = false;

  constructor(world: World, ledger: Ledger, options: FleetOptions) {
    this.#world = world;
    this.#ledger = ledger;
    this.#options = options;
    for (const row of ledger.rows("drones").values()) this.#remember(row);
  }

  /** Told of everything from now on, in the order of listening. */
  listen(listener: FleetListener): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** All drones that are known, also those that ended. */
  get members(): readonly Member[] {
    return [...this.#ledger.rows("drones").values()].map((row) => this.#memberOfRow(row));
  }

  member(identity: string): Member | undefined {
    const row = this.#ledger.rows("drones").get(identity);
    return row && this.#memberOfRow(row);
  }

  nameOf(identity: string): string {
    return this.#ledger.rows("drones").get(identity)?.name ?? identity;
  }

  /** Instances of a deployment on one drone. */
  reportsOf(identity: string, deployment: string): readonly InstanceReport[] {
    const instances = this.#members.get(identity)?.instances.values() ?? [];
    return [...instances].filter((report) => report.deployment === deployment);
  }

  /**
   * Calls a drone over the connection that it made.
   *
   * @throws NO_DRONE when it is not connected, LINK_LOST when it goes meanwhile, what it answers
   */
  async call<M extends MethodName>(
    identity: string,
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const conversation = this.#members.get(identity)?.conversation;
    if (!conversation) {
      throw new PropagitError("NO_DRONE", `drone ${this.nameOf(identity)} is not connected`);
    }
    if (!("deployment" in params)) return conversation.call(method, params, options);
    const key = `${identity} ${params.deployment}`;
    this.#entrust(key, 1);
    try {
      return await conversation.call(method, params, options);
    } finally {
      this.#entrust(key, -1);
    }
  }

  /** Whether a drone does something for a deployment just now because it was called to. */
  isEntrusted(identity: string, deployment: string): boolean {
    return this.#entrusted.has(`${identity} ${deployment}`);
  }

  /** Tells a drone something; false when it is not connected. @throws TOO_LARGE */
  tell<
    T extends
      | "drone.assign"
      | "drone.peers"
      | "drone.ways"
      | "run.input"
      | "run.taken"
      | "run.resize"
      | "run.signal",
  >(identity: string, telling: T, params: Telling<T>): boolean {
    const conversation = this.#members.get(identity)?.conversation;
    conversation?.tell(telling, params);
    return conversation !== undefined;
  }

  /** What hides things for a drone on their way to it; undefined when it is not connected. */
  sessionKeyOf(identity: string): string | undefined {
    return this.#members.get(identity)?.conversation?.peer?.sessionKey;
  }

  /** Identity of the drone that speaks on a connection; undefined when it is no drone's. */
  speaker(conversation: Conversation): string | undefined {
    return this.#byConversation.get(conversation)?.identity;
  }

  /** Who speaks on a connection. @throws BAD_FRAME when it is no drone's */
  identityOf(conversation: Conversation): string {
    return this.#memberOf(conversation).identity;
  }

  /**
   * Takes a drone in, or back. Its reports are believed; the one that joined last under an identity is
   * the drone, since an older connection may be dead without anybody knowing.
   *
   * @throws BAD_NAME, OVERLOADED, DATA_UNUSABLE
   */
  async join(params: JoinParams, conversation: Conversation): Promise<Member> {
    checkJoin(params);
    const { identity, instances } = params;
    await this.#ledger.change(() => this.#joinChange(params));
    if (!conversation.isOpen) throw new PropagitError("LINK_LOST", "the drone is gone again");
    const member = this.#members.get(identity) ?? newMember(identity, "lost", this.#now());
    this.#members.set(identity, member);
    member.swarm = params.swarm;
    this.#take(member, conversation);
    this.#replaceInstances(member, instances);
    this.#setContact(member, "connected");
    void conversation.over.then(() => this.#lost(member, conversation));
    const joined = this.member(identity);
    assert(joined, "a drone that joined has a row");
    return joined;
  }

  /**
   * A drone ends on purpose: nobody waits for it, unless its instances go on `running`.
   *
   * @throws BAD_FRAME
   */
  async leave(conversation: Conversation, running: boolean): Promise<void> {
    const member = this.#memberOf(conversation);
    if (running) return this.#lost(member, conversation);
    member.conversation = undefined;
    this.#byConversation.delete(conversation);
    member.instances.clear();
    this.#setContact(member, "left");
    await this.#writeState(member, "left");
  }

  /** @throws BAD_FRAME when that connection is no drone's, OVERLOADED */
  observe(conversation: Conversation, report: InstanceReport, step: Step | undefined): void {
    const member = this.#memberOf(conversation);
    const before = member.instances.get(report.process);
    if (!before && member.instances.size >= instancesMax) {
      throw new PropagitError("OVERLOADED", `a drone has more than ${instancesMax} instances`);
    }
    member.instances.set(report.process, report);
    this.#note(member, before, report);
    this.#tellObserved(member, report, step);
  }

  /** @throws BAD_FRAME when that connection is no drone's */
  forgetInstance(conversation: Conversation, process: string): void {
    const member = this.#memberOf(conversation);
    const report = member.instances.get(process);
    if (!report) return;
    member.instances.delete(process);
    this.#note(member, report, { ...report, phase: "stopped" });
    this.#tellObserved(member, report, undefined);
  }

  /** Ends the timers; drones are no longer missed. */
  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#members.values()) timer?.cancel();
  }

  /** A drone from before a restart: one that was connected then is only just lost. */
  #remember(row: DroneRow): void {
    const isLost = row.state === "connected";
    const member = newMember(
      row.identity,
      row.state === "connected" ? "lost" : row.state,
      isLost ? this.#now() : row.since,
    );
    this.#members.set(row.identity, member);
    if (isLost) this.#startTimer(member);
  }

  /** Undefined for a drone that is back as it was, so that thousands come back without a write. */
  #joinChange(params: JoinParams): LedgerChange | undefined {
    const { identity, host } = params;
    const rows = this.#ledger.rows("drones");
    const plan = planJoin(rows, this.#members, params, this.#now());
    const { row, forgotten, isNews } = plan;
    if (!plan.isChange) return undefined;
    for (const old of forgotten) this.#members.delete(old);
    const { name } = row;
    const draft = new Draft(this.#ledger);
    forgetDrones(draft, forgotten);
    draft.put("drones", identity, row);
    const text = `${name} joined from ${host}`;
    if (isNews) draft.note({ kind: "drone-joined", drone: name, text });
    return draft.change;
  }

  #take(member: LiveMember, conversation: Conversation): void {
    const old = member.conversation;
    member.conversation = conversation;
    this.#byConversation.set(conversation, member);
    if (!old || old === conversation) return;
    this.#byConversation.delete(old);
    const name = this.nameOf(member.identity);
    const from = conversation.remoteHost;
    old.end(new PropagitError("DRONE_TAKEN", `drone ${name} connected again from ${from}`));
  }

  #replaceInstances(member: LiveMember, reports: readonly InstanceReport[]): void {
    const before = new Map(member.instances);
    member.instances.clear();
    for (const report of reports) {
      member.instances.set(report.process, report);
      // What a hub hears for the first time after its start is not news.
      if (before.size > 0) this.#note(member, before.get(report.process), report);
    }
  }

  #lost(member: LiveMember, conversation: Conversation): void {
    if (this.#isStopped || member.conversation !== conversation) return;
    member.conversation = undefined;
    this.#setContact(member, "lost");
    this.#startTimer(member);
  }

  #startTimer(member: LiveMember): void {
    member.timer?.cancel();
    member.timer = this.#world.clock.after(this.#options.droneTimeoutMs, () => {
      if (member.contact !== "lost") return;
      this.#setContact(member, "away");
      this.#writeState(member, "away").catch((thrown: unknown) => {
        const name = this.nameOf(member.identity);
        this.#world.log.warn(`that ${name} is away could not be written: ${String(thrown)}`);
      });
    });
  }

  #setContact(member: LiveMember, contact: Contact): void {
    if (contact !== "lost") member.timer?.cancel();
    // Away is shown since it was lost, not since nobody waits for it any more.
    if (member.contact !== contact && contact !== "away") member.since = this.#now();
    member.contact = contact;
    for (const listener of this.#listeners) listener.contact(member.identity, contact);
  }

  #tellObserved({ identity }: LiveMember, report: InstanceReport, step: Step | undefined): void {
    for (const listener of this.#listeners) listener.observed(identity, report, step);
  }

  #writeState(member: LiveMember, state: "away" | "left"): Promise<void> {
    return this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(member.identity);
      if (!row || member.contact !== state) return undefined;
      const { identity, name } = row;
      const silent = `${name} was not heard of for ${this.#options.droneTimeoutMs / 1_000} s`;
      const text = state === "left" ? `${name} ended` : silent;
      return {
        edits: [{ table: "drones", key: identity, row: { ...row, state, since: member.since } }],
        events: [{ kind: state === "left" ? "drone-left" : "drone-away", drone: name, text }],
      };
    });
  }

  #note(member: LiveMember, before: InstanceReport | undefined, now: InstanceReport): void {
    const event = instanceEvent(this.nameOf(member.identity), before, now);
    if (event) this.#ledger.note(event);
  }

  #memberOf(conversation: Conversation): LiveMember {
    const member = this.#byConversation.get(conversation);
    if (member) return member;
    throw new PropagitError("BAD_FRAME", "only a drone that has joined says that");
  }

  #entrust(key: string, change: 1 | -1): void {
    const calls = (this.#entrusted.get(key) ?? 0) + change;
    if (calls > 0) this.#entrusted.set(key, calls);
    else this.#entrusted.delete(key);
  }

  #memberOfRow(row: DroneRow): Member {
    const {
      contact = "away",
      since = row.since,
      instances,
      swarm,
    } = this.#members.get(row.identity) ?? {};
    return {
      identity: row.identity,
      name: row.name,
      contact,
      since,
      instances: instances ?? new Map(),
      labels: labelsOf(row),
      draining: row.draining === true || row.carriesOnly === true,
      ownCommand: row.service !== undefined,
      swarm,
    };
  }

  #now(): number {
    return this.#world.clock.now();
  }
}

function newMember(identity: string, contact: Contact, since: number): LiveMember {
  return {
    identity,
    contact,
    since,
    instances: new Map(),
    swarm: undefined,
    conversation: undefined,
    timer: undefined,
  };
}
