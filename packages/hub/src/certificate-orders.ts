/**
 * Asks an authority for the certificates that are due, a few at the same time, and never twice for a host.
 *
 *     routes, settings, certificates changed, a proxy came, time ──> plan ──> order ──> certificate, event
 *                                                                              \──> failed: later, event
 *
 * What failed waits longer each time; what an authority wishes is kept. What is renewed too late for that is
 * said again by each failure, and in `propagit certificates ls`.
 */
import { toPropagitError } from "@propagit/protocol";
import type { Timer } from "@propagit/runtime";
import { CertificateOrder } from "./certificate-order.js";
import type { CertificateMeans, ReadCertificate } from "./certificate-means.js";
import type { Certificates } from "./certificates.js";
import { AuthorityRefusal } from "./core/authority-refusal.js";
import { newestByHost, planOrders, retryAt, type OrderPlan } from "./core/certificate-plan.js";
import { acmeKey, certificatesMax, type AcmeRow, type OrderRow } from "./core/certificate-rows.js";
import { changed, Draft } from "./core/draft.js";
import type { Ledger } from "./ledger.js";
import { Paced } from "./paced.js";
import type { HubWorld } from "./world.js";

/** As many as an authority takes at once without frowning; a guess. */
const ordersMax = 4;
/** Rest between looks at what is due, in a burst of changes. */
const lookRestMs = 1_000;
/** What is not up to the authority is tried again so soon. */
const oursMs = 30_000;
/** Longest time that an authority is left alone for all hosts because of one refusal. */
const pauseMs = { least: 60_000, most: 3_600_000 } as const;
/** Timers of more days fire at once. */
const timerMsMax = 24 * 3_600_000;

interface Options {
  readonly world: Pick<HubWorld, "clock" | "random" | "log">;
  readonly ledger: Ledger;
  readonly means: CertificateMeans;
  readonly certificates: Certificates;
}

export class CertificateOrders {
  readonly #options: Options;
  readonly #paced: Paced;
  readonly #stop = new AbortController();
  readonly #underWay = new Map<string, Promise<void>>();
  /** URLs of orders that a former life made: while there was no hub, authorities may have looked in vain. */
  readonly #resumed = new Set<string>();
  #listening: { stop(): void } | undefined;
  #timer: Timer | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#paced = new Paced(
      options.world.clock,
      () => lookRestMs,
      () => this.#look(),
    );
  }

  start(): void {
    const { ledger, certificates } = this.#options;
    for (const { order } of ledger.rows("orders").values()) {
      if (order !== undefined) this.#resumed.add(order);
    }
    const matters = ["routes", "acme", "certificates", "orders"] as const;
    this.#listening = ledger.listen({
      changed: (tables) => {
        if (matters.some((table) => tables.has(table))) this.#paced.ask();
      },
      happened: () => undefined,
    });
    certificates.onJoin(() => void this.#proxyCame().catch(() => undefined));
    this.#paced.ask();
  }

  isUnderWay(host: string): boolean {
    return this.#underWay.has(host);
  }

  /** Orders go on in the hub's next life. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#listening?.stop();
    this.#paced.stop();
    this.#timer?.cancel();
    await Promise.all(this.#underWay.values());
  }

  /** Asks for a host as soon as possible, due or not. */
  async renew(hosts: readonly string[], by: string): Promise<void> {
    const { ledger, world } = this.#options;
    await ledger.change(() => {
      const draft = new Draft(ledger);
      for (const host of hosts) {
        const row = this.#rowOf(host);
        draft.put("orders", host, { ...row, nextAt: 0, by, since: world.clock.now() });
      }
      const acme = ledger.rows("acme").get(acmeKey);
      if (acme) draft.put("acme", acmeKey, changed(acme, { pausedUntil: undefined }));
      return draft.change;
    });
  }

  #look(): void {
    if (this.#stop.signal.aborted) return;
    const { ledger, world } = this.#options;
    this.#timer?.cancel();
    const now = world.clock.now();
    const plan = planOrders(ledger, now);
    const free = ordersMax - this.#underWay.size;
    const due = plan.due.filter((host) => !this.#underWay.has(host)).slice(0, free);
    const acme = ledger.rows("acme").get(acmeKey);
    if (acme) for (const host of due) this.#begin(host, acme);
    void this.#remove(plan).catch(() => undefined);
    if (plan.nextAt === undefined) return;
    const waitMs = Math.min(Math.max(plan.nextAt - now, lookRestMs), timerMsMax);
    this.#timer = world.clock.after(waitMs, () => this.#paced.ask());
  }

  #begin(host: string, acme: AcmeRow): void {
    const work = this.#carryOut(host, acme)
      .catch((thrown: unknown) => {
        const { message } = toPropagitError(thrown);
        this.#options.world.log.warn(`the certificate of ${host} is not asked for: ${message}`);
      })
      .finally(() => {
        this.#underWay.delete(host);
        if (!this.#stop.signal.aborted) this.#paced.ask();
      });
    this.#underWay.set(host, work);
  }

  async #carryOut(host: string, acme: AcmeRow): Promise<void> {
    const { order } = this.#rowOf(host);
    try {
      if (this.#options.ledger.rows("certificates").size >= certificatesMax) {
        throw new AuthorityRefusal(`a hub has at most ${certificatesMax} certificates`);
      }
      await this.#keep(host, await this.#obtain(host, acme));
    } catch (thrown) {
      if (this.#stop.signal.aborted) return;
      await this.#fail(host, thrown, this.#isExcused(order, thrown));
    }
  }

  #obtain(host: string, acme: AcmeRow): Promise<ReadCertificate> {
    const { world, means, certificates, ledger } = this.#options;
    const { directory, authority, account, challenge } = acme;
    const place = { directory, ...(authority !== undefined && { authority }) };
    const { signal } = this.#stop;
    const row = this.#rowOf(host);
    return new CertificateOrder({
      world,
      means,
      certificates,
      account: means.authority(place).account(certificates.reveal(account.hidden), account.url),
      challenge,
      signal,
      row,
      keep: (change) =>
        ledger.change(() => {
          signal.throwIfAborted();
          const draft = new Draft(ledger);
          draft.put("orders", host, changed(this.#rowOf(host), change));
          return draft.change;
        }),
    }).obtain();
  }

  async #keep(host: string, read: ReadCertificate): Promise<void> {
    const { ledger, world, certificates } = this.#options;
    const id = world.random.hex(16);
    const { key, names, ...rest } = read;
    const at = world.clock.now();
    const by = this.#rowOf(host).by ?? ledger.rows("acme").get(acmeKey)?.by ?? "the hub";
    await ledger.change(() => {
      const draft = new Draft(ledger);
      const former = newestByHost(ledger).get(host);
      if (former && former.names.every((name) => names.includes(name))) {
        draft.delete("certificates", former.id);
      }
      const row = { ...rest, id, names: [...names], source: "acme" as const, at, by };
      draft.put("certificates", id, { ...row, hidden: certificates.hide(key) });
      draft.delete("orders", host);
      const until = new Date(read.notAfter).toISOString().slice(0, 16).replace("T", " ");
      const text = `${host} has a certificate of ${read.issuer}, good until ${until} UTC`;
      draft.note({ kind: "certificate-renewed", by, text });
      return draft.change;
    });
  }

  /** Whether it says nothing about what the authority thinks of the host; once for each order that is resumed. */
  #isExcused(order: string | undefined, thrown: unknown): boolean {
    // Nothing was asked, as proxies come only after their hub: the order is still to be resumed.
    if (thrown instanceof AuthorityRefusal && thrown.details.isOurs) return true;
    return order !== undefined && this.#resumed.delete(order);
  }

  async #fail(host: string, thrown: unknown, isOurs: boolean): Promise<void> {
    const { ledger, world } = this.#options;
    const error = toPropagitError(thrown);
    const details = thrown instanceof AuthorityRefusal ? thrown.details : {};
    const now = world.clock.now();
    await ledger.change(() => {
      const draft = new Draft(ledger);
      const row = this.#rowOf(host);
      const failures = row.failures + (isOurs ? 0 : 1);
      const fraction = world.random.fraction();
      const retryAfterMs = details.retryAfterMs ?? 0;
      const nextAt = isOurs
        ? now + Math.max(oursMs, retryAfterMs)
        : retryAt(now, { failures, fraction, retryAfterMs });
      draft.put("orders", host, { ...row, failures, nextAt, error: error.message.slice(0, 2_000) });
      const acme = ledger.rows("acme").get(acmeKey);
      if (acme && details.isBusy) {
        const waitMs = Math.min(Math.max(retryAfterMs, pauseMs.least), pauseMs.most);
        draft.put("acme", acmeKey, { ...acme, pausedUntil: now + waitMs });
      }
      // What is tried every half minute is said once.
      if (!isOurs || row.error !== error.message) {
        const text = `${host} got no certificate: ${error.message}`.slice(0, 2_000);
        draft.note({ kind: "certificate-failed", text });
      }
      return draft.change;
    });
  }

  /** What waits only for a proxy does not wait for its time. */
  async #proxyCame(): Promise<void> {
    const { ledger, world } = this.#options;
    await ledger.change(() => {
      const draft = new Draft(ledger);
      const now = world.clock.now();
      for (const [host, row] of ledger.rows("orders")) {
        const isSoon = row.error !== undefined && row.failures === 0 && row.nextAt > now;
        if (isSoon) draft.put("orders", host, { ...row, nextAt: now });
      }
      return draft.changeIfAny;
    });
  }

  async #remove({ over, dropped }: OrderPlan): Promise<void> {
    const { ledger } = this.#options;
    const idle = dropped.filter((host) => !this.#underWay.has(host));
    if (over.length + idle.length === 0) return;
    await ledger.change(() => {
      const draft = new Draft(ledger);
      for (const id of over) draft.delete("certificates", id);
      for (const host of idle) draft.delete("orders", host);
      return draft.changeIfAny;
    });
  }

  #rowOf(host: string): OrderRow {
    const { ledger, world } = this.#options;
    const now = world.clock.now();
    return ledger.rows("orders").get(host) ?? { host, failures: 0, nextAt: now, since: now };
  }
}
