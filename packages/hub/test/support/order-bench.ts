/** Orders of certificates on virtual time: a ledger, an authority and proxies that show what they are told. */
import type { CertificateUpdate, Challenge } from "@propagit/protocol";
import { nodeCrypto, simulate, type Conversation, type Simulation } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { Certificates } from "../../src/certificates.js";
import { CertificateOrders } from "../../src/certificate-orders.js";
import { acmeKey, type AcmeRow, type CertificateRow } from "../../src/core/certificate-rows.js";
import { Draft } from "../../src/core/draft.js";
import { Ledger } from "../../src/ledger.js";
import { SimAuthority } from "./sim-authority.js";

const settingsKey = "a1".repeat(32);
const sessionKey = "5e".repeat(32);

export interface SimProxy {
  readonly challenges: readonly Challenge[];
  readonly certificates: ReadonlyMap<string, CertificateUpdate["certificates"][number]>;
  readonly updates: readonly CertificateUpdate[];
  leave(): void;
}

export class OrderBench {
  readonly sim: Simulation;
  readonly authority: SimAuthority;
  readonly store: Store;
  ledger!: Ledger;
  certificates!: Certificates;
  orders!: CertificateOrders;
  readonly #proxies = new Set<SimProxy>();

  private constructor(seed: number) {
    this.sim = simulate(seed);
    this.authority = new SimAuthority(this.sim.clock);
    this.authority.shown = (host) => {
      const all = [...this.#proxies].map(({ challenges }) =>
        challenges.find((one) => one.host === host),
      );
      return all.every((one) => one !== undefined) ? all[0] : undefined;
    };
    this.store = openMemoryStore();
  }

  static async open(seed = 1): Promise<OrderBench> {
    const bench = new OrderBench(seed);
    await bench.start();
    return bench;
  }

  /** A life of the hub. */
  async start(): Promise<void> {
    const world = { ...this.sim.worldOf("hub"), crypto: nodeCrypto, settingsKey };
    this.ledger = await Ledger.open(this.store, this.sim.clock);
    this.certificates = new Certificates(world, this.ledger);
    this.orders = new CertificateOrders({
      world,
      ledger: this.ledger,
      means: this.authority.means,
      certificates: this.certificates,
    });
    this.orders.start();
  }

  /** The hub dies: nothing more of it happens. */
  async kill(): Promise<void> {
    this.certificates.stop();
    this.#proxies.clear();
    const over = this.orders.stop();
    await this.sim.clock.advance(60_000);
    await over;
  }

  async ask(change: Partial<AcmeRow> = {}): Promise<void> {
    await this.ledger.change(() => {
      const draft = new Draft(this.ledger);
      draft.put("acme", acmeKey, {
        directory: "https://authority.test/",
        challenge: "http-01",
        hosts: ["shop.test"],
        allow: [],
        account: { url: "https://authority.test/account/1", hidden: this.certificates.hide("key") },
        at: 1,
        by: "ann",
        ...change,
      });
      return draft.change;
    });
  }

  /** A proxy that follows the hub; one that is silent never says that it has taken something. */
  proxy({ keys = true, isSilent = false } = {}): SimProxy {
    const updates: CertificateUpdate[] = [];
    const certificates = new Map<string, CertificateUpdate["certificates"][number]>();
    const stop = new AbortController();
    const conversation = {
      isOpen: true,
      remoteHost: `proxy-${this.#proxies.size + 1}`,
      peer: { sessionKey },
    } as unknown as Conversation;
    const part = (update: CertificateUpdate) => {
      updates.push(update);
      if (update.whole) certificates.clear();
      for (const one of update.certificates) certificates.set(one.id, one);
      for (const id of update.dropped) certificates.delete(id);
      if (isSilent) return;
      const { revision } = update;
      this.sim.clock.after(10, () => this.certificates.taken({ revision }, conversation));
    };
    const proxy = {
      updates,
      certificates,
      get challenges() {
        return updates.at(-1)?.challenges ?? [];
      },
      leave: () => {
        stop.abort();
        this.#proxies.delete(proxy);
      },
    };
    if (keys) this.#proxies.add(proxy);
    void this.certificates.follow({ keys }, { conversation, part, signal: stop.signal });
    return proxy;
  }

  get rows(): readonly CertificateRow[] {
    return [...this.ledger.rows("certificates").values()];
  }

  async untilValid(count: number): Promise<void> {
    await this.sim.clock.until(`there are ${count}`, () => this.rows.length === count, 600_000);
  }
}
