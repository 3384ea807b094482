/** What serves visitors, in this thread or in several: the same for whoever follows hub and registry. */
import type { CountSource } from "../counters.js";
import type { Servers } from "../switch-desk.js";
import type { Feed } from "../feed.js";
import type { CertificateState } from "./certificates.js";
import type { ProxyServer } from "./server.js";

export interface Serving extends Servers {
  readonly port: number;
  /** For TLS; undefined when none is spoken. */
  readonly tlsPort: number | undefined;
  readonly counts: CountSource;
  useCertificates(state: CertificateState): void;
  /** What the table has just taken. */
  took(feed: Feed): void;
  /** Takes nobody new, finishes what is on its way, at most for 10 s, and ends. */
  stop(): Promise<void>;
}

/** In this thread, over the table of whoever follows. */
export class LocalServing implements Serving {
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly counts: CountSource;
  readonly #server: ProxyServer;

  constructor(server: ProxyServer, port: number, tlsPort: number | undefined) {
    this.#server = server;
    this.port = port;
    this.tlsPort = tlsPort;
    this.counts = server.counters;
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

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
