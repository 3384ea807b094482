/** What is said about an authority, checked. */
import { PropagitError, quote } from "@propagit/protocol";

/** Let's Encrypt: the one that most have, and costs nothing. */
export const directoryDefault = "https://acme-v02.api.letsencrypt.org/directory";

/** @throws BAD_USAGE */
export function checkDirectory(directory: string): void {
  // RFC 8555, section 6.1: HTTPS, or whoever is in between gives the certificates.
  if (URL.canParse(directory) && new URL(directory).protocol === "https:") return;
  throw new PropagitError("BAD_USAGE", `${quote(directory)} is no directory of an authority`, {
    hint: `write an URL like ${directoryDefault}`,
  });
}

/** Sorted, each once. */
export function changedHosts(
  before: readonly string[],
  added: readonly string[],
  dropped: readonly string[],
): string[] {
  const hosts = new Set([...before, ...added]);
  for (const host of dropped) hosts.delete(host);
  return [...hosts].sort();
}
