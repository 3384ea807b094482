/** What people ask about certificates: adding, removing, seeing them, and which authority gives them. */
import {
  PropagitError,
  type CertificateSummary,
  type Params,
  type Part,
  type Result,
} from "@propagit/protocol";
import { sendPieces } from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { Certificates } from "./certificates.js";
import type { CertificateMeans } from "./certificate-means.js";
import { CertificateOrders } from "./certificate-orders.js";
import { checkDirectory, changedHosts, directoryDefault } from "./core/acme-settings.js";
import { canBeOrdered } from "./core/certificate-hosts.js";
import { hostsWanted } from "./core/certificate-plan.js";
import {
  acmeKey,
  certificatesMax,
  type AcmeRow,
  type CertificateRow,
} from "./core/certificate-rows.js";
import { acmeView, certificatesView, summaryOf } from "./core/certificate-view.js";
import { Draft } from "./core/draft.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

type AcmeWish = Params<"hub.acme">;
type WithSession = Pick<IncomingCall<"hub.certificate-add">, "conversation">;

export class CertificateDesk {
  /** As proxies follow them. */
  readonly certificates: Certificates;
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #orders: CertificateOrders | undefined;

  constructor(world: HubWorld, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.certificates = new Certificates(world, ledger);
    const { certificates: means } = world;
    const { certificates } = this;
    this.#orders = means && new CertificateOrders({ world, ledger, means, certificates });
  }

  start(): void {
    this.certificates.start();
    this.#orders?.start();
  }

  async stop(): Promise<void> {
    this.certificates.stop();
    await this.#orders?.stop();
  }

  list(call: {
    readonly part: (part: Part<"hub.certificates">) => void;
  }): Result<"hub.certificates"> {
    const now = this.#world.clock.now();
    const acme = this.#ledger.rows("acme").get(acmeKey);
    const isUnderWay = (host: string) => this.#orders?.isUnderWay(host) ?? false;
    const all = certificatesView(this.#ledger, now, isUnderWay);
    const certificates = sendPieces(all, call.part);
    return { certificates, ...(acme && { acme: acmeView(acme, now) }) };
  }

  /** @throws BAD_CERTIFICATE */
  async add(
    { certificate, key, by = "somebody" }: Params<"hub.certificate-add">,
    { conversation }: WithSession,
  ): Promise<CertificateSummary> {
    const clear = this.#world.crypto.decrypt(conversation.peer?.sessionKey ?? "", key);
    if (clear === undefined) {
      throw new PropagitError("BAD_CERTIFICATE", "the key was not hidden under the session's key", {
        hint: "use a propagit of the same version as the hub",
      });
    }
    const { key: pem, names, ...read } = this.#means().read(certificate, clear);
    const at = this.#world.clock.now();
    if (read.notAfter <= at) {
      const until = new Date(read.notAfter).toISOString().slice(0, 10);
      throw new PropagitError("BAD_CERTIFICATE", `the certificate was over on ${until}`);
    }
    const id = this.#world.random.hex(16);
    const hidden = this.certificates.hide(pem);
    const row = { ...read, names: [...names], id, source: "file" as const, hidden, at, by };
    await this.#ledger.change(() => this.#put(row));
    return summaryOf(row, at);
  }

  /** @throws NO_CERTIFICATE */
  async remove({
    name,
    by = "somebody",
  }: Params<"hub.certificate-remove">): Promise<Result<"hub.certificate-remove">> {
    let removed: readonly CertificateRow[] = [];
    await this.#ledger.change(() => {
      const draft = new Draft(this.#ledger);
      const rows = [...this.#ledger.rows("certificates").values()];
      removed = rows.filter(({ id, names }) => id === name || names.includes(name));
      const acme = this.#ledger.rows("acme").get(acmeKey);
      const isAsked = acme?.hosts.includes(name) ?? false;
      if (removed.length === 0 && !isAsked) {
        throw new PropagitError("NO_CERTIFICATE", `there is no certificate for ${name}`);
      }
      for (const { id } of removed) draft.delete("certificates", id);
      draft.delete("orders", name);
      if (acme && isAsked) {
        const hosts = acme.hosts.filter((host) => host !== name);
        draft.put("acme", acmeKey, { ...acme, hosts });
      }
      const text = `${by} took the certificate of ${name} away`;
      draft.note({ kind: "certificate-removed", by, text });
      return draft.change;
    });
    const now = this.#world.clock.now();
    return { removed: removed.map((row) => summaryOf(row, now)) };
  }

  /** @throws BAD_USAGE, BAD_CERTIFICATE, CERTIFICATE_FAILED when the authority gives no account */
  async acme(
    wish: AcmeWish,
    { signal }: Pick<IncomingCall<"hub.acme">, "signal">,
  ): Promise<Result<"hub.acme">> {
    for (const host of wish.addHosts) {
      if (canBeOrdered(host)) continue;
      throw new PropagitError("BAD_USAGE", `no authority can check whether ${host} is ours`, {
        hint: "give a whole host name, such as shop.example.com; add the certificate of a wildcard with `propagit certificates add`",
      });
    }
    const before = this.#ledger.rows("acme").get(acmeKey);
    const account = await this.#account(wish, before, signal);
    const now = this.#world.clock.now();
    await this.#ledger.change(() => {
      const draft = new Draft(this.#ledger);
      const former = this.#ledger.rows("acme").get(acmeKey);
      const row = acmeRowOf(wish, former, account, now);
      // Orders are of an authority, and of an account there.
      if (former && former.account.url !== row.account.url) {
        for (const host of this.#ledger.rows("orders").keys()) draft.delete("orders", host);
      }
      draft.put("acme", acmeKey, row);
      return draft.change;
    });
    const row = this.#ledger.rows("acme").get(acmeKey);
    if (row) return acmeView(row, now);
    throw new PropagitError("CHANGED_MEANWHILE", "the authority was taken away meanwhile");
  }

  /** @throws NO_CERTIFICATE for a host that nobody asks for */
  async renew({
    hosts,
    by = "somebody",
  }: Params<"hub.certificate-renew">): Promise<Result<"hub.certificate-renew">> {
    const acme = this.#ledger.rows("acme").get(acmeKey);
    const wanted = acme ? hostsWanted(this.#ledger, acme, this.#world.clock.now()) : [];
    const strange = hosts.find((host) => !wanted.includes(host));
    if (strange !== undefined) {
      throw new PropagitError("NO_CERTIFICATE", `no authority is asked for ${strange}`, {
        hint: `ask for it: propagit certificates acme --host ${strange}`,
      });
    }
    await this.#orders?.renew(hosts, by);
    return { hosts };
  }

  #put(row: CertificateRow) {
    const draft = new Draft(this.#ledger);
    const rows = this.#ledger.rows("certificates");
    const same = [...rows.values()].filter(
      ({ source, names }) => source === "file" && sameNames(names, row.names),
    );
    for (const { id } of same) draft.delete("certificates", id);
    if (same.length === 0 && rows.size >= certificatesMax) {
      throw new PropagitError("TOO_LARGE", `a hub has at most ${certificatesMax} certificates`);
    }
    draft.put("certificates", row.id, row);
    const text = `${row.by} added a certificate of ${row.issuer} for ${row.names.join(", ")}`;
    draft.note({ kind: "certificate-added", by: row.by, text: text.slice(0, 2_000) });
    return draft.change;
  }

  /** As it is, unless another authority or address is wished for. */
  async #account(
    wish: AcmeWish,
    before: AcmeRow | undefined,
    signal: AbortSignal,
  ): Promise<AcmeRow["account"]> {
    const directory = wish.directory ?? before?.directory ?? directoryDefault;
    checkDirectory(directory);
    const isSame = before?.directory === directory;
    const pem = wish.authority ?? (isSame ? before.authority : undefined);
    if (isSame && wish.email === undefined && wish.authority === undefined) return before.account;
    const place = { directory, ...(pem !== undefined && { authority: pem }) };
    const authority = this.#means().authority(place);
    const agree = wish.agree ?? isSame;
    const terms = await authority.terms(signal);
    if (terms !== undefined && !agree) {
      throw new PropagitError("BAD_USAGE", `the authority has terms: ${terms}`, {
        hint: "read them; if you agree, say so with --agree",
      });
    }
    const { certificates } = this;
    const key = isSame ? certificates.reveal(before.account.hidden) : this.#means().makeKey();
    const email = wish.email ?? (isSame ? before.email : undefined);
    const url = await authority.enrol(key, { email, agree }, signal);
    return { url, hidden: certificates.hide(key) };
  }

  /** @throws CERTIFICATE_FAILED */
  #means(): CertificateMeans {
    const { certificates } = this.#world;
    if (certificates) return certificates;
    throw new PropagitError("CERTIFICATE_FAILED", "this hub has no means to handle certificates");
  }
}

function acmeRowOf(
  wish: AcmeWish,
  former: AcmeRow | undefined,
  account: AcmeRow["account"],
  now: number,
): AcmeRow {
  const { directory = former?.directory ?? directoryDefault, challenge, by = "somebody" } = wish;
  const isSame = former?.directory === directory;
  const email = wish.email ?? (isSame ? former.email : undefined);
  const authority = wish.authority ?? (isSame ? former.authority : undefined);
  return {
    directory,
    challenge: challenge ?? former?.challenge ?? "http-01",
    hosts: changedHosts(former?.hosts ?? [], wish.addHosts, wish.dropHosts),
    allow: changedHosts(former?.allow ?? [], wish.addAllow, wish.dropAllow),
    account,
    at: now,
    by,
    ...(email !== undefined && { email }),
    ...(authority !== undefined && { authority }),
  };
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}
