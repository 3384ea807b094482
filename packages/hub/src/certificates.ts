/**
 * The certificates as proxies get them, and what authorities are to be shown; who has taken what.
 *
 *     ledger changed, challenge shown or hidden ──> revision + 1 ──> update to every proxy ──> taken { revision }
 *                                                   confirmed(revision) waits for ───────────────┘
 *
 * Challenges are in memory only: an order that goes on in a hub's next life shows them again.
 */
import {
  assert,
  piecesOf,
  PropagitError,
  type CertificateUpdate,
  type Challenge,
  type ChallengeKind,
  type Params,
  type Result,
} from "@propagit/protocol";
import {
  aborted,
  sleep,
  type Conversation,
  type IncomingCall,
  type Timer,
} from "@propagit/runtime";
import type { CertificateRow } from "./core/certificate-rows.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

type World = Pick<HubWorld, "clock" | "crypto" | "random" | "settingsKey">;

interface Follower {
  readonly conversation: Conversation;
  readonly hasKeys: boolean;
  readonly part: (update: CertificateUpdate) => void;
  /** As they were last told, by id. */
  sent: ReadonlyMap<string, CertificateRow>;
  taken: number;
}

/** What of the proxies confirmed in time. */
export interface Confirmation {
  readonly asked: number;
  /** Hosts of those that did not. */
  readonly silent: readonly string[];
}

/** Tickets open the sessions of half a day at most, whoever comes to know their keys. A usual choice. */
const ticketsMs = 12 * 3_600_000;
/** How often it is looked whether all have confirmed. */
const confirmLookMs = 50;

export class Certificates {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #followers = new Set<Follower>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #listening: { stop(): void };
  #joined: () => void = () => undefined;
  #revision = 1;
  #ticketKeys: string;
  #timer: Timer | undefined;

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.#ticketKeys = world.random.hex(96);
    this.#listening = ledger.listen({
      changed: (tables) => {
        if (tables.has("certificates")) this.#change();
      },
      happened: () => undefined,
    });
  }

  /** Keys of tickets change from now on; to be called once the hub is sure to run. */
  start(): void {
    this.#changeTickets();
  }

  /** A certificate's key in clear. @throws DATA_UNUSABLE */
  reveal(hidden: string): string {
    const { crypto, settingsKey } = this.#world;
    const key = crypto.decrypt(settingsKey, hidden);
    if (key !== undefined) return key;
    throw new PropagitError("DATA_UNUSABLE", "the key of a certificate cannot be read", {
      hint: "put the file `key` that belongs to this hub.db back into the data folder",
    });
  }

  hide(key: string): string {
    return this.#world.crypto.encrypt(this.#world.settingsKey, key);
  }

  /** @param joined called whenever a proxy comes */
  onJoin(joined: () => void): void {
    this.#joined = joined;
  }

  /** Everything at once, and what changes, until the proxy has had enough. */
  async follow(
    { keys }: Params<"hub.certificate-book">,
    { conversation, part, signal }: IncomingCall<"hub.certificate-book">,
  ): Promise<Result<"hub.certificate-book">> {
    const follower: Follower = {
      conversation,
      hasKeys: keys,
      part,
      sent: new Map(),
      taken: 0,
    };
    this.#followers.add(follower);
    this.#tell(follower, true);
    this.#joined();
    await aborted(signal);
    this.#followers.delete(follower);
    return {};
  }

  taken({ revision }: { revision: number }, conversation: Conversation): void {
    for (const follower of this.#followers) {
      if (follower.conversation === conversation) follower.taken = revision;
    }
  }

  /** Shown to an authority from now on. @returns the revision that has it */
  show(challenge: Challenge): number {
    this.#challenges.set(challenge.token, challenge);
    return this.#change();
  }

  hideChallenge(token: string): void {
    if (this.#challenges.delete(token)) this.#change();
  }

  /**
   * Resolves when every proxy that can answer such a challenge goes by that revision, at the latest after
   * `limitMs`. Proxies that go away meanwhile are not waited for.
   */
  async confirmed(
    revision: number,
    kind: ChallengeKind,
    { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
  ): Promise<Confirmation> {
    const { clock } = this.#world;
    const deadline = clock.monotonic() + limitMs;
    const able = () => this.#able(kind);
    const silent = () => able().filter(({ taken }) => taken < revision);
    while (silent().length > 0 && clock.monotonic() < deadline) {
      await sleep(clock, confirmLookMs);
      signal.throwIfAborted();
    }
    return {
      asked: able().length,
      silent: silent().map(({ conversation }) => conversation.remoteHost),
    };
  }

  /** Proxies that can answer such a challenge. */
  answerers(kind: ChallengeKind): number {
    return this.#able(kind).length;
  }

  stop(): void {
    this.#listening.stop();
    this.#timer?.cancel();
  }

  #able(kind: ChallengeKind): readonly Follower[] {
    return [...this.#followers].filter(({ hasKeys }) => hasKeys || kind === "http-01");
  }

  #change(): number {
    this.#revision += 1;
    for (const follower of this.#followers) this.#tell(follower, false);
    return this.#revision;
  }

  #changeTickets(): void {
    this.#timer = this.#world.clock.after(ticketsMs, () => {
      this.#ticketKeys = this.#world.random.hex(96);
      this.#change();
      this.#changeTickets();
    });
  }

  #tell(follower: Follower, isWhole: boolean): void {
    const { conversation, hasKeys, part, sent } = follower;
    if (!conversation.isOpen) return;
    const sessionKey = conversation.peer?.sessionKey;
    assert(sessionKey !== undefined, "who calls is proven");
    const hidden = (key: string) => this.#world.crypto.encrypt(sessionKey, key);
    const rows: ReadonlyMap<string, CertificateRow> = hasKeys
      ? this.#ledger.rows("certificates")
      : new Map<string, CertificateRow>();
    const changed = [...rows.values()].filter((row) => sent.get(row.id) !== row);
    const pieces = piecesOf(changed.map((row) => this.#tellable(row, hidden)));
    const revision = this.#revision;
    pieces.forEach((certificates, at) => {
      const isLast = at === pieces.length - 1;
      part({
        revision,
        whole: isWhole && at === 0,
        certificates,
        dropped: isLast ? [...sent.keys()].filter((id) => !rows.has(id)) : [],
        challenges: isLast ? this.#challengesFor(hasKeys, hidden) : [],
        ...(isLast && hasKeys && { ticketKeys: hidden(this.#ticketKeys) }),
        ...(!isLast && { more: true }),
      });
    });
    follower.sent = new Map(rows);
  }

  #tellable(row: CertificateRow, hidden: (key: string) => string) {
    const { id, names, source, notAfter, certificate } = row;
    return { id, names, source, notAfter, certificate, key: hidden(this.reveal(row.hidden)) };
  }

  #challengesFor(hasKeys: boolean, hidden: (key: string) => string): Challenge[] {
    return [...this.#challenges.values()]
      .filter(({ kind }) => hasKeys || kind === "http-01")
      .map(({ key, ...challenge }) => ({
        ...challenge,
        ...(key !== undefined && { key: hidden(key) }),
      }));
  }
}
