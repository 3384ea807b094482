/** What is said about an authority, checked. */
import { PropagitError, quote, type Params } from "@propagit/protocol";
import type { AcmeRow } from "./certificate-rows.js";

export type AcmeWish = Params<"hub.acme">;

/** Let's Encrypt: the one that most have, and costs nothing. */
const directoryDefault = "https://acme-v02.api.letsencrypt.org/directory";

/** @throws BAD_USAGE */
function checkDirectory(directory: string): void {
  // RFC 8555, section 6.1: HTTPS, or whoever is in between gives the certificates.
  if (URL.canParse(directory) && new URL(directory).protocol === "https:") return;
  throw new PropagitError("BAD_USAGE", `${quote(directory)} is no directory of an authority`, {
    hint: `write an URL like ${directoryDefault}`,
  });
}

/** Sorted, each once. */
function changedHosts(
  before: readonly string[],
  added: readonly string[],
  dropped: readonly string[],
): string[] {
  const hosts = new Set([...before, ...added]);
  for (const host of dropped) hosts.delete(host);
  return [...hosts].sort();
}

/** Whom it asks. @throws BAD_USAGE */
export function directoryOf(wish: AcmeWish, before: AcmeRow | undefined): string {
  const directory = wish.directory ?? before?.directory ?? directoryDefault;
  checkDirectory(directory);
  return directory;
}

/** Whether the authority need not be asked for an account. @throws BAD_USAGE */
export function keepsAccount(wish: AcmeWish, before: AcmeRow): boolean {
  const isSame = before.directory === directoryOf(wish, before);
  return isSame && wish.email === undefined && wish.authority === undefined;
}

export function acmeRowOf(
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
