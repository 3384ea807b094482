/**
 * The drones: who is connected, who is missed, and what each one reported last.
 *
 *     (unknown) --join--> connected --connection ends--> lost --30 s--> away
 *                             \--leave--> left           (each of them --join--> connected)
 *
 * Names and the last written state are rows of the ledger; connections and reports are in memory only,
 * since every drone brings its reports with it when it comes back.
 */
import { PropagitError, type Deployment, type InstanceReport } from "@propagit/protocol";
import type { Conversation, Timer, World } from "@propagit/runtime";
import type { Step } from "./core/deploy.js";
import { instanceEvent } from "./core/instance-event.js";
import { checkJoin, planJoin, type JoinParams } from "./core/membership.js";
import type { DroneRow, LedgerChange } from "./core/rows.js";
import type { Contact } from "./core/verdict.js";
import type { Ledger } from "./ledger.js";

/** A drone that was lost is waited for this long, as when it restarts; then it is away. */
const awayMs = 30_000;
/** Instances of one drone; as many as `hub.join` may bring. */
const instancesMax = 4_000;

/** One drone as it is known right now. */
export interface Member {
  readonly identity: string;
  readonly contact: Contact;
  /** When that contact began, in ms since 1970. */
  readonly since: number;
  /** By process. */
  readonly instances: ReadonlyMap<string, InstanceReport>;
}

export interface FleetListener {
  readonly observed: (identity: string, deployment: Deployment, step: Step | undefined) => void;
  readonly contact: (identity: string, contact: Contact) => void;
}

interface LiveMember extends Member {
  contact: Contact;
  since: number;
  readonly instances: Map<string, InstanceReport>;
  conversation: Conversation | undefined;
  timer: Timer | undefined;
}

export class Fleet {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #listener: FleetListener;
  readonly #members = new Map<string, LiveMember>();
  readonly #byConversation = new WeakMap<Conversation, LiveMember>();
  #isStopped = false;

  constructor(world: World, ledger: Ledger, listener: FleetListener) {
    this.#world = world;
    this.#ledger = ledger;
    this.#listener = listener;
    for (const row of ledger.rows("drones").values()) this.#remember(row);
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  nameOf(identity: string): string {
    return this.#ledger.rows("drones").get(identity)?.name ?? identity;
  }

  /** Instances of a commit on one drone. */
  reportsOf(identity: string, { repo, commit }: Deployment): readonly InstanceReport[] {
    const instances = this.#members.get(identity)?.instances.values() ?? [];
    return [...instances].filter((report) => report.repo === repo && report.commit === commit);
  }

  /** Tells every drone that is connected what it should run. */
  tellDesire(): void {
    for (const member of this.#members.values()) this.#tellDesire(member);
  }

  /**
   * Takes a drone in, or back. Its reports are believed; the one that joined last under an identity is
   * the drone, since an older connection may be dead without anybody knowing.
   *
   * @returns the name it is known by
   * @throws BAD_NAME, OVERLOADED, DATA_UNUSABLE
   */
  async join(params: JoinParams, conversation: Conversation): Promise<string> {
    checkJoin(params);
    const { identity, instances } = params;
    await this.#ledger.change(() => this.#joinChange(params));
    if (!conversation.isOpen) throw new PropagitError("LINK_LOST", "the drone is gone again");
    const member = this.#members.get(identity) ?? newMember(identity, "lost", this.#now());
    this.#members.set(identity, member);
    this.#take(member, conversation);
    this.#replaceInstances(member, instances);
    this.#setContact(member, "connected");
    void conversation.over.then(() => this.#lost(member, conversation));
    return this.nameOf(identity);
  }

  /** A drone ends on purpose: nobody waits for it. @throws BAD_FRAME */
  async leave(conversation: Conversation): Promise<void> {
    const member = this.#memberOf(conversation);
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
    this.#listener.observed(member.identity, report, step);
  }

  /** @throws BAD_FRAME when that connection is no drone's */
  forgetInstance(conversation: Conversation, process: string): void {
    const member = this.#memberOf(conversation);
    const report = member.instances.get(process);
    if (!report) return;
    member.instances.delete(process);
    this.#note(member, report, { ...report, phase: "stopped" });
    this.#listener.observed(member.identity, report, undefined);
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
    const text = `${name} joined from ${host}`;
    return {
      edits: [
        ...forgotten.map((key) => ({ table: "drones", key, row: undefined }) as const),
        { table: "drones", key: identity, row },
      ],
      events: isNews ? [{ kind: "drone-joined", drone: name, text }] : [],
    };
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
    member.timer = this.#world.clock.after(awayMs, () => {
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
    this.#listener.contact(member.identity, contact);
    if (contact !== "connected") return;
    // After the answer to the join, which has what the drone must know first.
    this.#world.clock.after(0, () => this.#tellDesire(member));
  }

  #tellDesire({ conversation }: LiveMember): void {
    const { revision, deployments } = this.#ledger;
    conversation?.tell("drone.desire", { revision, deployments: [...deployments] });
  }

  #writeState(member: LiveMember, state: "away" | "left"): Promise<void> {
    return this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(member.identity);
      if (!row || member.contact !== state) return undefined;
      const { identity, name } = row;
      const silent = `${name} was not heard of for ${awayMs / 1_000} s`;
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
    conversation: undefined,
    timer: undefined,
  };
}
