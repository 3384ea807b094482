/**
 * Listening sockets, visitors' connections and endpoints' pools, driven by one director.
 *
 *     const engine = new Engine({ director: { direct: () => ({ kind: "forward", address: "127.0.0.1:3000" }) } });
 *     const { port } = await engine.listen({ port: 8080 });
 *     …
 *     await engine.stop({ graceMs: 10_000 });
 */
import { silentLog, type Log } from "@propagit/runtime";
import type { TlsMaterial } from "./core/certificate-choice.js";
import type { ForwardingOptions } from "./core/forwarding.js";
import { NetworkList } from "./core/networks.js";
import type { Answer, Director } from "./exchange.js";
import { AddressPlaces } from "./system/address-places.js";
import type { EngineCore, Refusal, Visitor } from "./system/core.js";
import { EndpointPools } from "./system/endpoint-pools.js";
import { limitsOf, type EngineLimits } from "./system/limits.js";
import { Listener, type ListenPlace } from "./system/listener.js";
import { Members } from "./system/members.js";
import { plainRefusal } from "./system/own-answer.js";
import { SecureFront } from "./system/secure-front.js";
import { Sweep } from "./system/sweep.js";
import type { Tunnel } from "./system/tunnel.js";

export interface EngineOptions {
  readonly director: Director;
  /** Words for answers of the core itself; default: plain text. */
  readonly refuse?: (refusal: Refusal) => Answer;
  readonly log?: Log;
  /** Networks (`10.0.0.0/8`) whose visitors are proxies: what they say about theirs is believed. */
  readonly trusted?: readonly string[];
  readonly forwarding?: Partial<Omit<ForwardingOptions, "trusted">>;
  /** Every connection begins with a PROXY header; without one it is closed. Default: none does. */
  readonly acceptsProxy?: boolean;
  /** HTTP/2 also without TLS, from those who begin with it (h2c, prior knowledge). Default: with TLS only. */
  readonly acceptsPlainHttp2?: boolean;
  readonly limits?: Partial<EngineLimits>;
  /** `plain` keeps to what Node documents. Default `fast`. */
  readonly transport?: "fast" | "plain";
}

export interface EngineCounts {
  readonly visitors: number;
  readonly idleVisitors: number;
  readonly endpoints: number;
  readonly idleEndpoints: number;
  readonly tunnels: number;
  readonly inFlight: number;
  /** Since the start. */
  readonly accepted: number;
  /** Closed at once, since their address had as many as it may. */
  readonly refused: number;
  readonly requests: number;
}

export interface StopOptions {
  readonly graceMs: number;
  readonly idleMs?: number;
}

export class Engine {
  readonly #core: EngineCore;
  readonly #options: EngineOptions;
  readonly #secure: SecureFront;
  readonly #listeners = new Set<Listener>();

  constructor(options: EngineOptions) {
    const { director, refuse = plainRefusal, log = silentLog, forwarding } = options;
    const limits = limitsOf(options.limits);
    const trusted = NetworkList.parse(options.trusted ?? []);
    const sweep = new Sweep();
    this.#options = options;
    this.#core = {
      director,
      refuse,
      log,
      limits,
      sweep,
      pools: new EndpointPools({ limits, sweep, isFast: this.#isFast }),
      forwarding: {
        forwarded: false,
        requestId: true,
        traceContext: "pass",
        ...forwarding,
        trusted,
      },
      heads: [],
      visitors: new Members<Visitor>(),
      tunnels: new Members<Tunnel>(),
      places: new AddressPlaces({ max: limits.connectionsPerAddressMax, trusted, log }),
      counters: { accepted: 0, requests: 0, shadows: 0 },
      isStopping: false,
    };
    this.#secure = new SecureFront(this.#core);
  }

  /**
   * Takes visitors there from now on; may be called for several places.
   *
   * @returns the port, and the descriptor for other threads to listen on as well
   * @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all
   */
  async listen(
    place: ListenPlace & { readonly tls?: boolean },
  ): Promise<{ readonly port: number; readonly fd: number }> {
    const { tls = false, ...where } = place;
    const listener = new Listener(this.#core, {
      acceptsProxy: this.#options.acceptsProxy ?? false,
      acceptsHttp2: this.#options.acceptsPlainHttp2 ?? false,
      isFast: this.#isFast,
      ...(tls && { secure: (raw) => this.#secure.accept(raw) }),
    });
    const heard = await listener.listen(where);
    this.#listeners.add(listener);
    return heard;
  }

  /** The listening sockets, for another process to listen on as well. */
  get sockets(): readonly { readonly tls: boolean; readonly handle: object }[] {
    return [...this.#listeners].flatMap(({ handle, isSecure }) =>
      handle === undefined ? [] : [{ tls: isSecure, handle }],
    );
  }

  /** Certificates for the places with `tls`; connections that are there keep theirs. */
  useCertificates(material: TlsMaterial): void {
    this.#secure.use(material);
  }

  /** Exchanges and tunnels with that endpoint, those that wait for a connection included. */
  inFlight(address: string): number {
    return this.#core.pools.inFlight(address);
  }

  /** Ends kept connections to all other endpoints; what is on its way there goes on. */
  retain(addresses: ReadonlySet<string>): void {
    this.#core.pools.retain(addresses);
  }

  /** Ends upgraded connections to that endpoint after the grace: websockets with a close frame, 1001. */
  endTunnels({ address, graceMs }: { readonly address: string; readonly graceMs: number }): void {
    for (const tunnel of this.#core.tunnels)
      if (tunnel.address === address) tunnel.end({ graceMs });
  }

  counts(): EngineCounts {
    const { visitors, tunnels, places, pools, counters } = this.#core;
    let idleVisitors = 0;
    for (const visitor of visitors) if (visitor.isIdle) idleVisitors += 1;
    const { accepted, requests } = counters;
    return {
      visitors: visitors.size,
      idleVisitors,
      tunnels: tunnels.size,
      accepted,
      refused: places.refused,
      requests,
      ...pools.counts(),
    };
  }

  /** Closes the listening sockets; connections that are there go on. Somebody else listens by now. */
  handOver(): void {
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
  }

  /**
   * Takes nobody more, finishes what is on its way and ends: idle connections after `idleMs`, busy ones with
   * their next answer, upgraded ones with a close frame when most of the grace is over. What is still there
   * after it is cut.
   *
   * @param idleMs default 0. A visitor may be sending a request while his connection is closed, and not every
   *   client sends it again: whoever has time waits until idle visitors have come once more, or gone.
   */
  async stop({ graceMs, idleMs = 0 }: StopOptions): Promise<void> {
    const { visitors, tunnels, pools, sweep, limits } = this.#core;
    this.#core.isStopping = true;
    this.handOver();
    this.#secure.close();
    const closeIdle = () => {
      for (const visitor of visitors) visitor.stop();
    };
    const idleTimer = setTimeout(closeIdle, idleMs);
    if (idleMs === 0) closeIdle();
    const goodbyeMs = Math.min(limits.lingerMs, graceMs / 2);
    for (const tunnel of tunnels) tunnel.end({ graceMs: graceMs - goodbyeMs });
    await within(graceMs, Promise.all([visitors.whenEmpty(), tunnels.whenEmpty()]));
    clearTimeout(idleTimer);
    for (const visitor of visitors) visitor.destroy();
    for (const tunnel of tunnels) tunnel.destroy();
    pools.destroy();
    sweep.stop();
  }

  get #isFast(): boolean {
    return this.#options.transport !== "plain";
  }
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
