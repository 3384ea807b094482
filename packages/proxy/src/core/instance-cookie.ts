/** The cookie that keeps a visitor with one instance, where the route asks for it. */
import { readCookie } from "./cookie.js";

const instanceCookie = "propagit-instance";

export function readInstance(cookies: string | undefined): string | undefined {
  return readCookie(cookies, instanceCookie);
}

/** The Set-Cookie value; for the session only, since an instance does not live long. */
export function writeInstance(token: string): string {
  return `${instanceCookie}=${token}; Path=/; HttpOnly; SameSite=Lax`;
}
