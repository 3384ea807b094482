/** Another prefix in the request that the app gets: `/api/users?x=1` as `/v1/users?x=1`, or as `/users?x=1`. */
import { behindPrefix } from "./path.js";

/**
 * @param prefix that the target's path is below
 * @param rewrite what stands for it; `/` and empty take it off
 */
export function rewriteTarget(target: string, prefix: string, rewrite: string): string {
  // `OPTIONS *` is about the server, and has no path.
  if (!target.startsWith("/")) return target;
  const { rest, query } = behindPrefix(target, prefix);
  const path = `${rewrite.replace(/\/+$/, "")}${rest}`;
  return `${path === "" ? "/" : path}${query}`;
}
