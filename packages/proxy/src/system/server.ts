/** What serves visitors in one thread: an engine, and the director over that thread's table. */
import { Engine, type EngineLimits, type ListenPlace, type StopOptions } from "@propagit/http";
import { keyOfRoute, type PropagitError } from "@propagit/protocol";
import type { Timer, World } from "@propagit/runtime";
import type { AccessSink } from "../access.js";
import { engineAnswer, engineCode, type Staleness } from "../answers.js";
import type { ConnectionSample } from "../core/metrics-text.js";
import type { RouteTable } from "../core/route-table.js";
import { Counters } from "../counters.js";
import { ProxyDirector } from "../director.js";
import { Holds } from "../holds.js";
import type { Feed } from "../feed.js";
import { Tallies } from "../core/tallies.js";
import { challengeAnswer, type ChallengeAnswers } from "./certificates-challenge.js";
import type { CertificateState } from "./certificates.js";
import { Passwords } from "./passwords.js";

/** Plain data: a worker gets a copy of it. */
export interface ServerSettings {
  readonly domain?: string;
  readonly service?: string;
  readonly zone?: string;
  /** Unknown to visitors; see `TableOptions`. */
  readonly secret?: string;
  /** Networks whose forwarding headers are believed. */
  readonly trusted?: readonly string[];
  /** Every connection begins with a header of the PROXY protocol. */
  readonly acceptsProxyProtocol?: boolean;
  /** Where visitors are sent who must use TLS; default 443. */
  readonly tlsPort?: number;
  /** HTTP/2 without TLS, with prior knowledge. */
  readonly h2c?: boolean;
  /** What requests say of their visitors beyond `X-Forwarded-*`. */
  readonly forwarding?: Forwarding;
  readonly limits: Partial<EngineLimits> & { readonly answerHeadMs: number };
  /** Of requests that did not fail, how many of a hundred are logged; absent: no access log. */
  readonly accessPercent?: number;
}

export interface Forwarding {
  /** RFC 7239's `Forwarded` as well. */
  readonly forwarded?: boolean;
  /** `join`: a trace (W3C) goes through the proxy, and begins at it where there is none. Default `pass`. */
  readonly traceContext?: "pass" | "join";
}

/** What the thread that follows hub and registry knows. */
export interface Awareness {
  stale(): Staleness;
  /** Why nobody may be served now. */
  blocked(): PropagitError | undefined;
}

export interface ProxyServerOptions {
  readonly world: Pick<World, "clock" | "random" | "log">;
  readonly table: RouteTable;
  readonly settings: ServerSettings;
  readonly awareness: Awareness;
  readonly access?: AccessSink;
}

/** Bound on finishing what is on its way when the proxy stops. */
export const drainMsMax = 10_000;
/** Connections to endpoints that are gone are ended so long after a change, once for a burst. */
const retainMs = 1_000;

export class ProxyServer {
  readonly counters = new Counters();
  readonly tallies = new Tallies();
  readonly engine: Engine;
  readonly #options: ProxyServerOptions;
  readonly #holds: Holds;
  #answers: ChallengeAnswers = {};
  #retaining: Timer | undefined;

  constructor(options: ProxyServerOptions) {
    const { world, table, settings, awareness, access } = options;
    this.#options = options;
    this.#holds = new Holds(world.clock);
    const director = new ProxyDirector({
      ...world,
      ...awareness,
      answerFirst: (target) => challengeAnswer(this.#answers, target),
      table,
      counters: this.counters,
      tallies: this.tallies,
      holds: this.#holds,
      prover: new Passwords(world.clock),
      headMs: settings.limits.answerHeadMs,
      ...(access && { access }),
    });
    const { trusted, acceptsProxyProtocol, h2c, forwarding, limits } = settings;
    this.engine = new Engine({
      director,
      refuse: (refusal) => {
        // What was sent on is counted where it was sent.
        if (!refusal.wasSentOn) this.tallies.answered(engineCode(refusal));
        return engineAnswer(refusal, awareness.stale());
      },
      log: world.log,
      limits,
      ...(trusted && { trusted }),
      ...(acceptsProxyProtocol !== undefined && { acceptsProxy: acceptsProxyProtocol }),
      ...(h2c !== undefined && { acceptsPlainHttp2: h2c }),
      ...(forwarding && { forwarding }),
    });
  }

  /** Resolves with the port. @throws PORT_IN_USE, BAD_USAGE */
  async listen(place: ListenPlace & { readonly tls?: boolean }): Promise<number> {
    const { port } = await this.engine.listen(place);
    return port;
  }

  useCertificates({ material, answers }: CertificateState): void {
    this.#answers = answers;
    this.engine.useCertificates(material);
  }

  /** To be called after the table has taken it. */
  took(feed: Feed): void {
    if (feed.kind === "book") this.#holds.wake(routesOf(feed));
    this.#retaining ??= this.#options.world.clock.after(retainMs, () => {
      this.#retaining = undefined;
      this.engine.retain(new Set(this.#options.table.addresses.keys()));
    });
  }

  get connections(): ConnectionSample {
    const { visitors, accepted, refused, tunnels } = this.engine.counts();
    return { open: visitors, accepted, refused, tunnels };
  }

  inFlight(addresses: ReadonlySet<string>): number {
    let sum = 0;
    for (const address of addresses) sum += this.engine.inFlight(address);
    return sum;
  }

  endTunnels(addresses: ReadonlySet<string>, graceMs: number): void {
    for (const address of addresses) this.engine.endTunnels({ address, graceMs });
  }

  /** Takes nobody new, finishes what is on its way within the grace, and ends. */
  async stop({ graceMs, idleMs }: StopOptions = { graceMs: drainMsMax }): Promise<void> {
    this.#retaining?.cancel();
    await this.engine.stop({ graceMs, ...(idleMs !== undefined && { idleMs }) });
  }
}

/** Undefined: all. */
function routesOf({ update }: Feed & { kind: "book" }): readonly string[] | undefined {
  if (update.kind === "snapshot") return undefined;
  return [...update.routes.map(keyOfRoute), ...update.droppedRoutes];
}
