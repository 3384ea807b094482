/** The name and password in an `Authorization: Basic` header (RFC 7617), or undefined when there is none. */
export function parseBasicAuth(
  header: string | undefined,
): { readonly user: string; readonly password: string } | undefined {
  const match = /^Basic +([A-Za-z0-9+/=_-]{1,4096})$/i.exec(header ?? "");
  if (!match?.[1]) return undefined;
  const pair = Buffer.from(match[1], "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) return undefined;
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
