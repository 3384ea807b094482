/** What may be done to certificates, and what it concerns; nothing is written here. */
import { PropagitError } from "@propagit/protocol";
import { canBeOrdered } from "./certificate-hosts.js";
import { hostsWanted } from "./certificate-plan.js";
import { acmeKey, certificatesMax, type AcmeRow, type CertificateRow } from "./certificate-rows.js";
import type { LedgerRows } from "./draft.js";

export interface ToRemove {
  readonly certificates: readonly CertificateRow[];
  /** What is asked for when that name no longer is; absent: it was not, by name. */
  readonly acme?: AcmeRow;
}

/** Undefined: there is nothing of it. @param name a host, a wildcard, or an id */
export function findToRemove(rows: LedgerRows, name: string): ToRemove | undefined {
  const all = [...rows.rows("certificates").values()];
  const certificates = all.filter(({ id, names }) => id === name || names.includes(name));
  const acme = rows.rows("acme").get(acmeKey);
  if (acme?.hosts.includes(name)) {
    return { certificates, acme: { ...acme, hosts: acme.hosts.filter((host) => host !== name) } };
  }
  return certificates.length > 0 ? { certificates } : undefined;
}

export function noCertificate(name: string): PropagitError {
  return new PropagitError("NO_CERTIFICATE", `there is no certificate for ${name}`);
}

/** Those for just the same names, which a new one takes the place of. @throws TOO_LARGE */
export function replacedBy(rows: LedgerRows, wanted: readonly string[]): readonly CertificateRow[] {
  const all = rows.rows("certificates");
  const same = [...all.values()].filter(
    ({ source, names }) => source === "file" && sameNames(names, wanted),
  );
  if (same.length > 0 || all.size < certificatesMax) return same;
  throw new PropagitError("TOO_LARGE", `a hub has at most ${certificatesMax} certificates`);
}

/** @throws BAD_CERTIFICATE */
export function refuseOver({ notAfter }: Pick<CertificateRow, "notAfter">, now: number): void {
  if (notAfter > now) return;
  const until = new Date(notAfter).toISOString().slice(0, 10);
  throw new PropagitError("BAD_CERTIFICATE", `the certificate was over on ${until}`);
}

/** @throws BAD_USAGE for one that no authority can be asked for */
export function refuseHosts(hosts: readonly string[]): void {
  const strange = hosts.find((host) => !canBeOrdered(host));
  if (strange === undefined) return;
  throw new PropagitError("BAD_USAGE", `no authority can check whether ${strange} is ours`, {
    hint: "give a whole host name, such as shop.example.com; add the certificate of a wildcard with `propagit certificates add`",
  });
}

/** @throws NO_CERTIFICATE for a host that nobody asks for */
export function refuseUnasked(rows: LedgerRows, hosts: readonly string[], now: number): void {
  const acme = rows.rows("acme").get(acmeKey);
  const wanted = acme ? hostsWanted(rows, acme, now) : [];
  const strange = hosts.find((host) => !wanted.includes(host));
  if (strange === undefined) return;
  throw new PropagitError("NO_CERTIFICATE", `no authority is asked for ${strange}`, {
    hint: `ask for it: propagit certificates acme --host ${strange}`,
  });
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}
