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
import type { CertificateMeans, ReadCertificate } from "./certificate-means.js";
import { CertificateOrders } from "./certificate-orders.js";
import { acmeRowOf, directoryOf, keepsAccount, type AcmeWish } from "./core/acme-settings.js";
import {
  findToRemove,
  noCertificate,
  refuseHosts,
  refuseOver,
  refuseUnasked,
  replacedBy,
} from "./core/certificate-edits.js";
import { acmeKey, type AcmeRow, type CertificateRow } from "./core/certificate-rows.js";
import { acmeView, certificatesView, summaryOf } from "./core/certificate-view.js";
import { Draft } from "./core/draft.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

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

  /** In clear. @throws BAD_CERTIFICATE */
  keyOf(
    { key }: Pick<Params<"hub.certificate-add">, "key">,
    { conversation }: WithSession,
  ): string {
    const clear = this.#world.crypto.decrypt(conversation.peer?.sessionKey ?? "", key);
    if (clear !== undefined) return clear;
    throw new PropagitError("BAD_CERTIFICATE", "the key was not hidden under the session's key", {
      hint: "use a propagit of the same version as the hub",
    });
  }

  /** Without its key. @throws BAD_CERTIFICATE, CERTIFICATE_FAILED */
  look(certificate: string): Omit<ReadCertificate, "key"> {
    return this.#means().readAlone(certificate);
  }

  /** @param asked with the key in clear. @throws BAD_CERTIFICATE, CERTIFICATE_FAILED, TOO_LARGE */
  async add({
    certificate,
    key: clear,
    by = "somebody",
  }: Params<"hub.certificate-add">): Promise<CertificateSummary> {
    const { key: pem, names, ...read } = this.#means().read(certificate, clear);
    const at = this.#world.clock.now();
    refuseOver(read, at);
    const id = this.#world.random.hex(16);
    const hidden = this.certificates.hide(pem);
    const row = { ...read, names: [...names], id, source: "file" as const, hidden, at, by };
    await this.#ledger.change(() => this.#put(row));
    return summaryOf(row, at);
  }

  /** @throws NO_CERTIFICATE */
  async remove(
    { name, by = "somebody" }: Params<"hub.certificate-remove">,
    { isAgain = false }: { readonly isAgain?: boolean } = {},
  ): Promise<Result<"hub.certificate-remove">> {
    let removed: readonly CertificateRow[] = [];
    await this.#ledger.change(() => {
      const draft = new Draft(this.#ledger);
      const found = findToRemove(draft, name);
      if (!found && isAgain) return undefined;
      if (!found) throw noCertificate(name);
      removed = found.certificates;
      for (const { id } of removed) draft.delete("certificates", id);
      draft.delete("orders", name);
      if (found.acme) draft.put("acme", acmeKey, found.acme);
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
    refuseHosts(wish.addHosts);
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
    refuseUnasked(this.#ledger, hosts, this.#world.clock.now());
    await this.#orders?.renew(hosts, by);
    return { hosts };
  }

  #put(row: CertificateRow) {
    const draft = new Draft(this.#ledger);
    const same = replacedBy(this.#ledger, row.names);
    for (const { id } of same) draft.delete("certificates", id);
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
    if (before && keepsAccount(wish, before)) return before.account;
    const directory = directoryOf(wish, before);
    const isSame = before?.directory === directory;
    const pem = wish.authority ?? (isSame ? before.authority : undefined);
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
