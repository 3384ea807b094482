/** What serves visitors, in this thread or in several: the same for whoever follows hub and registry. */
import type { StopOptions } from "@propagit/http";
import type { ConnectionSample } from "../core/metrics-text.js";
import type { CountSource } from "../counters.js";
import type { Feed } from "../feed.js";
import type { TallySource } from "../core/tallies.js";
import type { Visited } from "../proxy.js";
import type { CertificateState } from "./certificates.js";
import type { ListeningSocket } from "./listening-socket.js";
import type { ProxyServer } from "./server.js";

export interface Serving extends Visited {
  readonly port: number;
  /** For TLS; undefined when none is spoken. */
  readonly tlsPort: number | undefined;
  /** Of visitors; of several threads as they were a moment ago. */
  readonly connections: ConnectionSample;
  /** Counted since it started; of several threads as they were a moment ago. */
  readonly tallies: TallySource;
  /** For a successor to listen on as well. */
  readonly sockets: readonly ListeningSocket[];
  useCertificates(state: CertificateState): void;
  /** Accepts no more: somebody else does, on the same sockets. */
  handOver(): void;
  /** Takes nobody new, finishes what is on its way within the grace, default 10 s, and ends. */
  stop(options?: StopOptions): Promise<void>;
}

/** In this thread, over the table of whoever follows. */
export class LocalServing implements Serving {
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly counts: CountSource;
  readonly tallies: TallySource;
  readonly #server: ProxyServer;

  constructor(server: ProxyServer, port: number, tlsPort: number | undefined) {
    this.#server = server;
    this.port = port;
    this.tlsPort = tlsPort;
    this.counts = server.counters;
    this.tallies = server.tallies;
  }

  get sockets(): readonly ListeningSocket[] {
    return this.#server.engine.sockets;
  }

  get connections(): ConnectionSample {
    return this.#server.connections;
  }

  useCertificates(state: CertificateState): void {
    this.#server.useCertificates(state);
  }

  took(feed: Feed): void {
    this.#server.took(feed);
  }

  applied(): Promise<void> {
    return Promise.resolve();
  }

  inFlight(addresses: ReadonlySet<string>): Promise<number> {
    return Promise.resolve(this.#server.inFlight(addresses));
  }

  endTunnels(addresses: ReadonlySet<string>, graceMs: number): void {
    this.#server.endTunnels(addresses, graceMs);
  }

  handOver(): void {
    this.#server.engine.handOver();
  }

  stop(options?: StopOptions): Promise<void> {
    return this.#server.stop(options);
  }
}
