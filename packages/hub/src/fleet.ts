/**
 * The drones: who is connected, who is missed, and what each one reported last.
 *
 * Names and the last known state are rows of the ledger; connections and reports are in memory only,
 * since every drone brings its reports with it when it comes back.
 */
import {
  parseDroneName,
  parseLabel,
  parseServiceName,
  PropagitError,
  shortCommit,
  type Deployment,
  type DroneSummary,
  type InstanceReport,
  type InstanceSummary,
  type Params,
  type Route,
} from "@propagit/protocol";
import type { Conversation, Timer, World } from "@propagit/runtime";
import type { Step } from "./core/deploy.js";
import { chooseName } from "./core/drone-name.js";
import type { DroneRow } from "./core/rows.js";
import { sharePercent } from "./core/shares.js";
import type { Contact } from "./core/verdict.js";
import type { Ledger, NewEvent } from "./ledger.js";

/** A drone that was lost is waited for this long, as when it restarts; then it is away. */
export const awayMs = 30_000;
/** Drones known to one hub; what a deploy's answer has room for. */
const dronesMax = 10_000;
/** Instances of one drone; as many as `hub.join` may bring. */
const instancesMax = 4_000;
const labelsMax = 32;
/** A drone that ended is forgotten after a week, one that is away after 90 days; guesses. */
const forgetMs = { left: 7 * 86_400_000, away: 90 * 86_400_000 } as const;

/** One drone as it is known right now. */
export interface Member {
  readonly identity: string;
  readonly contact: Contact;
  /** When that contact began, in ms since 1970. */
  readonly since: number;
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

  /** What every drone that is connected hears at once. */
  tellDesire(): void {
    for (const member of this.#members.values()) this.#tellDesire(member);
  }

  /**
   * Takes a drone in, or back. Its reports are believed; the one that joined last under an identity is
   * the drone, since an older connection may be dead without anybody knowing.
   *
   * @returns the name it is known by
   * @throws BAD_NAME, OVERLOADED
   */
  async join(params: Params<"hub.join">, conversation: Conversation): Promise<string> {
    checkJoin(params);
    const { identity, instances } = params;
    await this.#ledger.change(() => this.#joinChange(params));
    const member = this.#members.get(identity) ?? newMember(identity, "lost", this.#now());
    this.#members.set(identity, member);
    this.#take(member, conversation);
    this.#replaceInstances(member, instances);
    this.#setContact(member, "connected");
    void conversation.over.then(() => this.#lost(member, conversation));
    return this.nameOf(identity);
  }

  /** A drone ends on purpose: nobody waits for it. */
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
    if (!member.instances.has(report.process) && member.instances.size >= instancesMax) {
      throw new PropagitError("OVERLOADED", `a drone has more than ${instancesMax} instances`);
    }
    const before = member.instances.get(report.process);
    member.instances.set(report.process, report);
    this.#noteChange(member, before, report);
    this.#listener.observed(member.identity, report, step);
  }

  /** @throws BAD_FRAME when that connection is no drone's */
  forgetInstance(conversation: Conversation, process: string): void {
    const member = this.#memberOf(conversation);
    const report = member.instances.get(process);
    if (!report) return;
    member.instances.delete(process);
    if (report.phase !== "stopped")
      this.#noteChange(member, report, { ...report, phase: "stopped" });
    this.#listener.observed(member.identity, report, undefined);
  }

  nameOf(identity: string): string {
    return this.#ledger.rows("drones").get(identity)?.name ?? identity;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Instances of a commit on one drone. */
  reportsOf(identity: string, { repo, commit }: Deployment): readonly InstanceReport[] {
    const instances = this.#members.get(identity)?.instances.values() ?? [];
    return [...instances].filter((report) => report.repo === repo && report.commit === commit);
  }

  droneSummaries(): DroneSummary[] {
    return [...this.#ledger.rows("drones").values()].sort(byName).map((row) => {
      const member = this.#members.get(row.identity);
      const { name, service, host, labels, version } = row;
      const alive = [...(member?.instances.values() ?? [])].filter(isAlive).length;
      const state = summaryState(member?.contact ?? "away");
      const since = member?.since ?? row.since;
      return { name, service, host, labels, version, state, since, instances: alive };
    });
  }

  instanceSummaries(routes: ReadonlyMap<string, Route>): InstanceSummary[] {
    return [...this.#ledger.rows("drones").values()].sort(byName).flatMap((row) => {
      const member = this.#members.get(row.identity);
      return [...(member?.instances.values() ?? [])].map((report) => ({
        drone: row.name,
        host: row.host,
        away: member?.contact !== "connected",
        sharePercent: sharePercent(routes.get(report.repo), report.commit),
        report,
      }));
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#members.values()) timer?.cancel();
  }

  /** A drone from before a restart: one that was connected then is only just lost. */
  #remember(row: DroneRow): void {
    const contact = row.state === "connected" ? "lost" : row.state;
    const since = row.state === "connected" ? this.#now() : row.since;
    const member = newMember(row.identity, contact, since);
    this.#members.set(row.identity, member);
    if (contact === "lost") this.#startTimer(member);
  }

  #joinChange(params: Params<"hub.join">) {
    const { identity, labels, service, host, version } = params;
    const before = this.#ledger.rows("drones").get(identity);
    const makeRoom = this.#forgetOld(identity);
    const known = this.#ledger.rows("drones").size - makeRoom.length;
    if (!before && known >= dronesMax) {
      throw new PropagitError("OVERLOADED", `the hub knows ${dronesMax} drones already`);
    }
    const { name, replaced } = this.#nameFor(params);
    const isNew = this.#members.get(identity)?.contact !== "lost" || !before;
    const wasConnected = this.#members.get(identity)?.contact === "connected";
    const since = before?.state === "connected" ? before.since : this.#now();
    const row = {
      identity,
      name,
      service,
      host,
      labels,
      version,
      state: "connected",
      since,
    } as const;
    const events: NewEvent[] =
      isNew && !wasConnected
        ? [{ kind: "drone-joined", drone: name, text: `${name} joined from ${host}` }]
        : [];
    const removed = [...makeRoom, ...replaced];
    for (const old of removed) this.#members.delete(old);
    const deletions = removed.map((key) => ({ table: "drones", key, row: undefined }) as const);
    return { edits: [...deletions, { table: "drones", key: identity, row } as const], events };
  }

  /** The name a drone had, unless it wants another; one that ended gives its name up to a new one. */
  #nameFor({ identity, name: wanted }: Params<"hub.join">): { name: string; replaced: string[] } {
    const rows = this.#ledger.rows("drones");
    const before = rows.get(identity);
    if (before && isVariantOf(before.name, wanted)) return { name: before.name, replaced: [] };
    const others = [...rows.values()].filter((row) => row.identity !== identity);
    const isGone = (row: DroneRow) => this.#members.get(row.identity)?.contact === "left";
    const taken = new Set(others.filter((row) => !isGone(row)).map(({ name }) => name));
    const name = chooseName(wanted, (candidate) => taken.has(candidate));
    const replaced = others.filter((row) => row.name === name).map((row) => row.identity);
    return { name, replaced };
  }

  #forgetOld(joining: string): string[] {
    const now = this.#now();
    return [...this.#members.values()]
      .filter(({ identity, contact, since }) => {
        if (identity === joining || contact === "connected" || contact === "lost") return false;
        return now - since > forgetMs[contact];
      })
      .map(({ identity }) => identity)
      .slice(0, 100);
  }

  #take(member: LiveMember, conversation: Conversation): void {
    const old = member.conversation;
    member.conversation = conversation;
    this.#byConversation.set(conversation, member);
    if (!old || old === conversation) return;
    this.#byConversation.delete(old);
    const name = this.nameOf(member.identity);
    old.end(
      new PropagitError(
        "DRONE_TAKEN",
        `drone ${name} connected again from ${conversation.remoteHost}`,
      ),
    );
  }

  #replaceInstances(member: LiveMember, reports: readonly InstanceReport[]): void {
    const before = new Map(member.instances);
    member.instances.clear();
    for (const report of reports) member.instances.set(report.process, report);
    // What a hub that just started hears for the first time is not news.
    if (before.size === 0) return;
    for (const report of reports) this.#noteChange(member, before.get(report.process), report);
  }

  #lost(member: LiveMember, conversation: Conversation): void {
    if (this.#isStopped || member.conversation !== conversation) return;
    member.conversation = undefined;
    this.#setContact(member, "lost");
    this.#startTimer(member);
  }

  #startTimer(member: LiveMember): void {
    member.timer = this.#world.clock.after(awayMs, () => {
      if (member.contact !== "lost") return;
      // It has been silent since it was lost, not since now.
      this.#setContact(member, "away", member.since);
      this.#writeState(member, "away").catch((thrown: unknown) => {
        this.#world.log.warn(`the absence of a drone could not be written: ${String(thrown)}`);
      });
    });
  }

  #setContact(member: LiveMember, contact: Contact, since = this.#now()): void {
    if (contact !== "lost") member.timer?.cancel();
    if (member.contact !== contact) member.since = since;
    member.contact = contact;
    this.#listener.contact(member.identity, contact);
    if (contact === "connected") {
      // After the answer to the join, which has what the drone must know first.
      this.#world.clock.after(0, () => this.#tellDesire(member));
    }
  }

  #tellDesire({ conversation }: LiveMember): void {
    const { revision, deployments } = this.#ledger;
    conversation?.tell("drone.desire", { revision, deployments: [...deployments] });
  }

  async #writeState(member: LiveMember, state: "away" | "left"): Promise<void> {
    await this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(member.identity);
      if (!row || member.contact !== state) return undefined;
      const text =
        state === "left"
          ? `${row.name} ended`
          : `${row.name} was not heard of for ${awayMs / 1000} s`;
      return {
        edits: [
          { table: "drones", key: row.identity, row: { ...row, state, since: member.since } },
        ],
        events: [{ kind: `drone-${state}` as const, drone: row.name, text }],
      };
    });
  }

  #noteChange(
    member: LiveMember,
    before: InstanceReport | undefined,
    { repo, commit, service, phase, port, reason }: InstanceReport,
  ): void {
    if (before?.phase === phase) return;
    const drone = this.nameOf(member.identity);
    const what = `${service} of ${repo} ${shortCommit(commit)}`;
    const where = { repo, commit, drone };
    if (phase === "ready") {
      const on = port === undefined ? "" : `, port ${port}`;
      this.#ledger.note({
        kind: "instance-ready",
        ...where,
        text: `${what} is ready on ${drone}${on}`,
      });
    } else if (phase === "failed") {
      const why = cut(reason ?? "no reason given");
      this.#ledger.note({
        kind: "instance-failed",
        ...where,
        text: `${what} failed on ${drone}: ${why}`,
      });
    } else if (phase === "stopped") {
      this.#ledger.note({
        kind: "instance-stopped",
        ...where,
        text: `${what} stopped on ${drone}`,
      });
    }
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

/** @throws BAD_NAME */
function checkJoin({ name, service, labels }: Params<"hub.join">): void {
  parseDroneName(name);
  parseServiceName(service);
  const pairs = Object.entries(labels);
  if (pairs.length > labelsMax) {
    throw new PropagitError("BAD_NAME", `a drone has at most ${labelsMax} labels`);
  }
  for (const [key, value] of pairs) parseLabel(`${key}=${value}`);
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

/** Whether a name came from the wanted one on a clash. */
function isVariantOf(name: string, wanted: string): boolean {
  return name === wanted || (name.startsWith(`${wanted}-`) && /-\d+$/.test(name));
}

function summaryState(contact: Contact): DroneSummary["state"] {
  return contact === "lost" ? "away" : contact;
}

function isAlive({ phase }: InstanceReport): boolean {
  return phase !== "stopped";
}

function byName(left: DroneRow, right: DroneRow): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}

function cut(text: string): string {
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text;
}
