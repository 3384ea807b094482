/** The cookie that keeps a visitor in his variant: a random id, nothing about him. */
export const visitorCookie = "propagit-visitor";
/** 128 bits. */
export const visitorChars = 32;
const visitorPattern = /^[0-9a-f]{32}$/;
/** A year; browsers cap it at 400 days (RFC 6265bis). */
const maxAgeSeconds = 365 * 24 * 60 * 60;

/** The visitor's id in a Cookie header; values that are not of our making do not count. */
export function readVisitor(cookieHeader: string | undefined): string | undefined {
  if (!cookieHeader?.includes(visitorCookie)) return undefined;
  for (const pair of cookieHeader.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== visitorCookie) continue;
    const value = pair.slice(at + 1).trim();
    if (visitorPattern.test(value)) return value;
  }
  return undefined;
}

/** The Set-Cookie value for a new visitor. */
export function writeVisitor(visitor: string): string {
  return `${visitorCookie}=${visitor}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;
}
