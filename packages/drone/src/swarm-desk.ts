/**
 * The drone in the swarm: asks the hub by which way a commit gets here, takes part in its artifact, and tells
 * the hub how far that is.
 *
 *     next() --hub.artifact--> git | inline pack | grant --> share: taking --> whole --git--> used
 *        \--hub away--> the grant that lies beside the pieces --/                 \--no use--> failed
 */
import {
  assert,
  PropagitError,
  shortCommit,
  toPropagitError,
  type Address,
  type Crypto,
  type Grant,
  type Params,
  type Result,
  type ShareReport,
  type SwarmPeer,
  type Telling,
} from "@propagit/protocol";
import type { Conversation, Timer } from "@propagit/runtime";
import { proofOfHolder, type Admission, type Share } from "@propagit/swarm";
import type { CommitWays, Delivery } from "./commit-ways.js";
import { admissionNow, admissionOf, peersOf, type KnownGrant } from "./core/swarm-grant.js";
import { inWords } from "./core/swarm-words.js";
import type { DroneContext, DronePart } from "./drone-part.js";
import { SwarmShares, type SwarmSharesParts } from "./swarm-shares.js";
import type { CommitName } from "./world.js";

export interface SwarmDeskParts extends SwarmSharesParts {
  readonly crypto: Crypto;
}

type Answer = Result<"hub.artifact">;

interface Asked {
  readonly answer: Answer;
  /** The session that its secrets are hidden for. */
  readonly from: Conversation;
}

/** The hub first makes the pack, once for all who ask. */
const answerMsMax = 15 * 60_000;
/** Bound on waiting for the hub where an earlier grant is at hand. */
const hubMsMax = 2_000;
/** Bound on waiting for a hub that was lost before it answered; one that restarts is back by then. */
const hubBackMsMax = 30_000;
/** Of one question, when the hub is lost again and again. */
const asksMax = 3;
const renewMsMin = 1_000;

export class SwarmDesk implements CommitWays {
  readonly #parts: SwarmDeskParts;
  readonly #shares: SwarmShares;
  #context: DroneContext | undefined;
  /** Of the last join. */
  #conversation: Conversation | undefined;
  readonly #renewals = new Map<string, Timer>();
  #isStopped = false;

  constructor(parts: SwarmDeskParts) {
    this.#parts = parts;
    this.#shares = new SwarmShares(parts);
  }

  /** As the hub knows this drone; undefined before it has begun. */
  get name(): string | undefined {
    return this.#context?.name();
  }

  /** Plugs it into a drone. */
  readonly part = (context: DroneContext): DronePart => {
    this.#context = context;
    return {
      introduction: () => ({ swarm: { port: this.#parts.open.port } }),
      joined: (conversation) => this.#joined(conversation),
      keeps: (names) => this.#shares.keep(names),
      handlers: { "drone.carry": (params, call) => this.#carry(params, call.conversation) },
      tellingHandlers: {
        "drone.peers": (params, from) => this.#introduce(params, from),
      },
      stop: () => this.stop(),
    };
  };

  /** Called by the swarm for each change of a share. */
  changed(report: ShareReport): void {
    if (this.#isStopped) return;
    if (this.#conversation) this.#tell(this.#conversation, report);
    if (report.state !== "taking") this.#shares.tidySoon();
  }

  async next(
    name: CommitName,
    have: readonly string[],
    signal: AbortSignal,
  ): Promise<Delivery | undefined> {
    const known = await this.#shares.remembered(name, have);
    let asked: Asked;
    try {
      asked = await this.#ask(name, have, { signal, hubLimitMs: known ? hubMsMax : undefined });
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toPropagitError(thrown);
      if (!known || !isAway(error)) throw error;
      this.#parts.log.info(`${titleOf(name)}: going on with peers of before: ${error.message}`);
      return this.#delivery(known, name, have);
    }
    return this.#deliveryOf(asked, name, have);
  }

  /** Ends all lines; what is on disk stays for the next life. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#renewals.values()) timer.cancel();
    await this.#shares.stop();
  }

  async #ask(
    { repo, commit }: CommitName,
    have: readonly string[],
    { signal, hubLimitMs }: { signal?: AbortSignal; hubLimitMs?: number | undefined } = {},
  ): Promise<Asked> {
    assert(this.#context, "nothing is fetched before the drone has begun");
    const limits = { ...(signal && { signal }), limitMs: answerMsMax };
    let from = await this.#context.hub(hubLimitMs);
    for (let asks = 1; ; asks++) {
      try {
        const answer = await from.call("hub.artifact", { repo, commit, have: [...have] }, limits);
        return { answer, from };
      } catch (thrown) {
        signal?.throwIfAborted();
        if (toPropagitError(thrown).code !== "LINK_LOST" || asks === asksMax) throw thrown;
        // Git would go to the same hub: all who waited for its pack would fetch from it, once it is back.
        from = await this.#context.hub(hubLimitMs ?? hubBackMsMax);
      }
    }
  }

  async #deliveryOf(
    { answer, from }: Asked,
    name: CommitName,
    have: readonly string[],
  ): Promise<Delivery | undefined> {
    switch (answer.how) {
      case "git":
        if (answer.reason !== undefined) {
          this.#parts.log.info(`${titleOf(name)}: fetched with git: ${answer.reason}`);
        }
        return undefined;
      case "inline":
        return inlineDelivery(answer, this.#showBytes(answer.pack, from));
      case "swarm": {
        const { commit, base, grant } = answer;
        const { repo } = name;
        return this.#delivery({ repo, commit, base, ...this.#given(grant, from) }, name, have);
      }
      default:
        return answer satisfies never;
    }
  }

  async #delivery(
    known: Omit<KnownGrant, "isWhole" | "isCarried">,
    name: CommitName,
    have: readonly string[],
  ): Promise<Delivery> {
    const { log, clock } = this.#parts;
    const startedAt = clock.monotonic();
    const tookMs = () => clock.monotonic() - startedAt;
    const title = titleOf(known);
    const share = await this.#shares.take({ ...known, isCarried: false });
    this.#renewLater(known, name, have);
    return {
      commit: known.commit,
      base: known.base,
      arrived: async (signal) => {
        await this.#shares.arrival(share, signal);
        this.#renewals.get(share.artifact)?.cancel();
        log.info(`${title}: ${inWords(share.report, tookMs())}`);
        return { kind: "file", path: await share.path };
      },
      used: () => {
        share.used();
        log.info(`${title}: taken in by git after ${(tookMs() / 1000).toFixed(2)} s`);
      },
      spoiled: (reason) => this.#spoiled(share, reason),
    };
  }

  /** The hub hears why; here nothing of it stays that could be offered to anybody again. */
  #spoiled(share: Share, reason: string): void {
    share.spoiled(reason);
    void this.#shares.drop(share.artifact);
  }

  async #carry(
    { repo, commit, grant }: Params<"drone.carry">,
    from: Conversation,
  ): Promise<Result<"drone.carry">> {
    await this.#shares.carry({ repo, commit, base: undefined, ...this.#given(grant, from) });
    return {};
  }

  /** A grant opens lines for so long only; another one is asked for when half of that is over. */
  #renewLater(
    known: Omit<KnownGrant, "isWhole" | "isCarried">,
    name: CommitName,
    have: readonly string[],
  ): void {
    const { clock } = this.#parts;
    const { artifact, expiresAt, hubNow } = admissionNow(known, clock.now());
    const renew = () => {
      this.#renewals.delete(artifact);
      void this.#renew(known, name, have);
    };
    this.#renewals.get(artifact)?.cancel();
    if (!this.#isTaking(artifact)) return;
    const delayMs = Math.max(renewMsMin, (expiresAt - hubNow) / 2);
    this.#renewals.set(artifact, clock.after(delayMs, renew));
  }

  async #renew(
    known: Omit<KnownGrant, "isWhole" | "isCarried">,
    name: CommitName,
    have: readonly string[],
  ): Promise<void> {
    const { artifact } = known.admission;
    if (!this.#isTaking(artifact)) return;
    const asked = await this.#ask(name, have).catch(() => undefined);
    // It ended while the hub was asked: to take part would begin it anew, for nobody.
    if (!this.#isTaking(artifact)) return;
    const grant = asked?.answer.how === "swarm" ? asked.answer.grant : undefined;
    const isSame = grant?.artifact === artifact;
    const newest = asked && isSame ? { ...known, ...this.#given(grant, asked.from) } : known;
    if (newest !== known) await this.#shares.take({ ...newest, isCarried: false });
    this.#renewLater(newest, name, have);
  }

  #isTaking(artifact: string): boolean {
    const share = this.#parts.open.swarm.share(artifact);
    return !this.#isStopped && share?.report.state === "taking";
  }

  #joined(conversation: Conversation): void {
    this.#conversation = conversation;
    for (const { report } of this.#shares.all) this.#tell(conversation, report);
    this.#shares.offerEarlierSoon();
  }

  /** Each time with the proof: a hub may forget who takes part. */
  #tell(conversation: Conversation, report: ShareReport): void {
    const { crypto, open } = this.#parts;
    const secret = open.swarm.share(report.artifact)?.secret;
    const proof = secret === undefined ? undefined : proofOfHolder(crypto, secret);
    conversation.tell("hub.share", { ...report, ...(proof !== undefined && { proof }) });
  }

  /** What a grant says, in clear. @throws BAD_FRAME */
  #given(grant: Grant, from: Conversation): { admission: Admission; givenAt: number } {
    const show = (hidden: string) => this.#show(hidden, from);
    const admission = admissionOf(grant, show, this.#upstream);
    return { admission, givenAt: this.#parts.clock.now() };
  }

  #introduce({ artifact, peers }: Telling<"drone.peers">, from: Conversation): void {
    let shown: readonly SwarmPeer[];
    try {
      shown = peersOf(peers, (hidden) => this.#show(hidden, from), this.#upstream);
    } catch (thrown) {
      this.#parts.log.warn(`peers cannot be read: ${toPropagitError(thrown).message}`);
      return;
    }
    void this.#shares.introduce(artifact, shown);
  }

  /** Where this drone reaches the hub. */
  get #upstream(): Address {
    assert(this.#context, "nobody has peers before the drone has begun");
    return this.#context.upstream();
  }

  /** @throws BAD_FRAME when it was not hidden under the session's key */
  #show(hidden: string, { peer }: Conversation): string {
    return shownOrThrow(peer && this.#parts.crypto.decrypt(peer.sessionKey, hidden));
  }

  /** @throws BAD_FRAME when they were not hidden under the session's key */
  #showBytes(hidden: string, { peer }: Conversation): Uint8Array {
    return shownOrThrow(peer && this.#parts.crypto.decryptBytes(peer.sessionKey, hidden));
  }
}

function shownOrThrow<T>(shown: T | undefined): T {
  if (shown !== undefined) return shown;
  throw new PropagitError("BAD_FRAME", "the hub's answer was hidden under another key");
}

function inlineDelivery(
  { commit, base }: Extract<Answer, { how: "inline" }>,
  bytes: Uint8Array,
): Delivery {
  return {
    commit,
    base,
    arrived: () => Promise.resolve({ kind: "bytes", bytes }),
    used: () => undefined,
    spoiled: () => undefined,
  };
}

/** Whether the hub could not be asked; what it refuses is no reason to go on without it. */
function isAway({ code }: PropagitError): boolean {
  return code === "UNREACHABLE" || code === "LINK_LOST" || code === "TIMED_OUT";
}

function titleOf({ repo, commit }: CommitName): string {
  return `${repo} ${shortCommit(commit)}`;
}
