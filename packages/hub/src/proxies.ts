/**
 * The proxies: who is connected, what each goes by, and calls to them over the connections they made.
 *
 *     connected <--> lost --lease--> away          (core/contact.ts)
 *          |  \--ended on purpose--> left
 *          \--cut: no answer in time--> away       (it comes back by itself when it can)
 *
 * A switch waits for those that are connected or lost, and for nobody else. Who was connected when a former
 * life of the hub ended is lost at first.
 */
import {
  PropagitError,
  type MethodName,
  type Params,
  type ProxySummary,
  type Result,
  type Telling,
  type TrafficReport,
} from "@propagit/protocol";
import type { CallOptions, Conversation, Timer, World } from "@propagit/runtime";
import type { Contact } from "./core/contact.js";
import { planMeet, type Meeting } from "./core/proxy-membership.js";
import { RequestRate } from "./core/request-rate.js";
import type { ProxyRow } from "./core/rows.js";
import type { Ledger } from "./ledger.js";

export interface KnownProxy {
  readonly identity: string;
  readonly contact: Contact;
  readonly since: number;
}

interface LiveProxy {
  readonly identity: string;
  contact: Contact;
  since: number;
  conversation: Conversation | undefined;
  timer: Timer | undefined;
  told: Telling<"hub.proxy"> | undefined;
  readonly rate: RequestRate;
}

export class Proxies {
  readonly #world: Pick<World, "clock" | "log">;
  readonly #ledger: Ledger;
  readonly #timeoutMs: number;
  readonly #proxies = new Map<string, LiveProxy>();
  readonly #byConversation = new Map<Conversation, LiveProxy>();
  readonly #listeners = new Set<() => void>();
  #isStopped = false;

  constructor(
    world: Pick<World, "clock" | "log">,
    ledger: Ledger,
    { timeoutMs }: { readonly timeoutMs: number },
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#timeoutMs = timeoutMs;
    for (const row of ledger.rows("proxies").values()) this.#remember(row);
  }

  /** Those that a switch waits for. */
  get live(): readonly KnownProxy[] {
    return [...this.#proxies.values()].filter(
      ({ contact }) => contact === "connected" || contact === "lost",
    );
  }

  contactOf(identity: string): Contact | undefined {
    return this.#proxies.get(identity)?.contact;
  }

  nameOf(identity: string): string {
    return this.#ledger.rows("proxies").get(identity)?.name ?? identity.slice(0, 7);
  }

  /** As people see them, by name. */
  summaries(behindOf: (revision: number | undefined) => number): ProxySummary[] {
    const rows = [...this.#ledger.rows("proxies").values()];
    return rows
      .map((row) => this.#summary(row, behindOf))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Called when a proxy came or went. */
  listen(changed: () => void): { stop(): void } {
    this.#listeners.add(changed);
    return { stop: () => this.#listeners.delete(changed) };
  }

  /**
   * Takes a proxy in, or back; the one that came last under an identity is the proxy.
   *
   * @throws OVERLOADED, DATA_UNUSABLE
   */
  async meet(meeting: Meeting, conversation: Conversation): Promise<void> {
    const { identity } = meeting;
    await this.#ledger.change(() => {
      const rows = this.#ledger.rows("proxies");
      const at = { meeting, host: conversation.remoteHost, now: this.#now() };
      const { change, forgotten } = planMeet(rows, (one) => this.contactOf(one), at);
      for (const one of forgotten) this.#proxies.delete(one);
      return change;
    });
    if (!conversation.isOpen) throw new PropagitError("LINK_LOST", "the proxy is gone again");
    const proxy = this.#proxies.get(identity) ?? newProxy(identity, "lost", this.#now());
    this.#proxies.set(identity, proxy);
    const old = proxy.conversation;
    proxy.conversation = conversation;
    proxy.told = undefined;
    this.#byConversation.set(conversation, proxy);
    if (old && old !== conversation) {
      this.#byConversation.delete(old);
      old.end(new PropagitError("LINK_LOST", `proxy ${meeting.name} connected again`));
    }
    this.#setContact(proxy, "connected");
    void conversation.over.then(() => this.#lost(proxy, conversation));
  }

  isProxy(conversation: Conversation): boolean {
    return this.#byConversation.has(conversation);
  }

  /** What it goes by now. @throws BAD_FRAME when that connection is no proxy's */
  hear(conversation: Conversation, told: Telling<"hub.proxy">): void {
    const proxy = this.#byConversation.get(conversation);
    if (!proxy) throw new PropagitError("BAD_FRAME", "only a proxy that was met says that");
    proxy.told = told;
  }

  /** What it has counted; told by others than proxies it is nothing here. */
  hearReport(conversation: Conversation, report: TrafficReport): void {
    this.#byConversation.get(conversation)?.rate.take(report, this.#now());
  }

  /** It ends on purpose: nobody waits for it. */
  async leave(conversation: Conversation): Promise<void> {
    const proxy = this.#byConversation.get(conversation);
    if (!proxy) return;
    this.#release(proxy);
    this.#setContact(proxy, "left");
    const text = `proxy ${this.nameOf(proxy.identity)} ended`;
    await this.#write(proxy, { state: "left", kind: "proxy-left", text });
  }

  /** Nobody waits for it any more until it comes back: its connection ends, and people are told why. */
  cut(identity: string, why: string): void {
    const proxy = this.#proxies.get(identity);
    if (!proxy || proxy.contact === "away" || proxy.contact === "left") return;
    const { conversation } = proxy;
    this.#release(proxy);
    this.#setContact(proxy, "away");
    conversation?.end(new PropagitError("TIMED_OUT", `the hub goes on without this proxy: ${why}`));
    const text = `proxy ${this.nameOf(identity)} is cut off: ${why}`;
    this.#world.log.warn(text);
    this.#writeSoon(proxy, { state: "away", kind: "proxy-away", text });
  }

  /** @throws LINK_LOST when it is not connected or goes meanwhile, TIMED_OUT, what it answers */
  async call<M extends MethodName>(
    identity: string,
    method: M,
    params: Params<M>,
    options: CallOptions<M>,
  ): Promise<Result<M>> {
    const conversation = this.#proxies.get(identity)?.conversation;
    if (conversation) return conversation.call(method, params, options);
    throw new PropagitError("LINK_LOST", `proxy ${this.nameOf(identity)} is not connected`);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#proxies.values()) timer?.cancel();
    this.#tellChanged();
  }

  #remember({ identity, state, since }: ProxyRow): void {
    const isLost = state === "connected";
    const proxy = newProxy(identity, isLost ? "lost" : state, isLost ? this.#now() : since);
    this.#proxies.set(identity, proxy);
    if (isLost) this.#startTimer(proxy);
  }

  #summary(
    { identity, name, address, zone, version, since: writtenAt }: ProxyRow,
    behindOf: (revision: number | undefined) => number,
  ): ProxySummary {
    const known = this.#proxies.get(identity);
    const revision = known?.told?.revision;
    const rate = known?.contact === "connected" ? known.rate.perSecond(this.#now()) : undefined;
    return {
      name,
      address,
      ...(zone !== undefined && { zone }),
      version,
      state: known?.contact ?? "away",
      since: known?.since ?? writtenAt,
      ...(revision !== undefined && { revision }),
      behind: behindOf(revision),
      stale: known?.told?.stale ?? [],
      ...(rate !== undefined && { requestsPerSecond: rate }),
    };
  }

  #lost(proxy: LiveProxy, conversation: Conversation): void {
    if (this.#isStopped || proxy.conversation !== conversation) return;
    this.#release(proxy);
    this.#setContact(proxy, "lost");
    this.#startTimer(proxy);
  }

  #startTimer(proxy: LiveProxy): void {
    proxy.timer?.cancel();
    proxy.timer = this.#world.clock.after(this.#timeoutMs, () => {
      if (proxy.contact !== "lost") return;
      this.#setContact(proxy, "away");
      const silent = `was not heard of for ${this.#timeoutMs / 1_000} s`;
      const text = `proxy ${this.nameOf(proxy.identity)} ${silent}`;
      this.#writeSoon(proxy, { state: "away", kind: "proxy-away", text });
    });
  }

  #release(proxy: LiveProxy): void {
    if (proxy.conversation) this.#byConversation.delete(proxy.conversation);
    proxy.conversation = undefined;
  }

  #setContact(proxy: LiveProxy, contact: Contact): void {
    if (contact !== "lost") proxy.timer?.cancel();
    // Away is shown since it was lost, not since nobody waits for it any more.
    if (proxy.contact !== contact && contact !== "away") proxy.since = this.#now();
    proxy.contact = contact;
    this.#tellChanged();
  }

  #tellChanged(): void {
    for (const changed of this.#listeners) changed();
  }

  #writeSoon(proxy: LiveProxy, end: ProxyEnd): void {
    this.#write(proxy, end).catch((thrown: unknown) => {
      this.#world.log.warn(`that ${end.text} could not be written: ${String(thrown)}`);
    });
  }

  #write(proxy: LiveProxy, { state, kind, text }: ProxyEnd): Promise<void> {
    return this.#ledger.change(() => {
      const row = this.#ledger.rows("proxies").get(proxy.identity);
      if (!row || proxy.contact !== state) return undefined;
      const after: ProxyRow = { ...row, state, since: proxy.since };
      return {
        edits: [{ table: "proxies", key: row.identity, row: after }],
        events: [{ kind, text }],
      };
    });
  }

  #now(): number {
    return this.#world.clock.now();
  }
}

interface ProxyEnd {
  readonly state: "away" | "left";
  readonly kind: "proxy-away" | "proxy-left";
  readonly text: string;
}

function newProxy(identity: string, contact: Contact, since: number): LiveProxy {
  const nothing = { conversation: undefined, timer: undefined, told: undefined };
  return { identity, contact, since, ...nothing, rate: new RequestRate() };
}
