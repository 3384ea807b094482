/** What is secret: `$NAME` in a plan, the address or the word itself only where it is used. */
import { PropagitError } from "@propagit/protocol";
import type { Means } from "../../command.js";

/** @throws TASK_FAILED when there is no such secret, or it is no address */
export async function urlOf(written: string, means: Means): Promise<string> {
  if (!written.startsWith("$")) return written;
  const name = written.slice(1);
  const url = await means.secret(name);
  if (url !== undefined && /^https?:\/\/\S+$/.test(url)) return url;
  const why = url === undefined ? "there is no secret" : "no address is in the secret";
  throw unknownSecret(why, name);
}

/** @param written `$NAME` @throws TASK_FAILED when there is no such secret */
export async function secretOf(written: string, means: Means): Promise<string> {
  const name = written.slice(1);
  const secret = await means.secret(name);
  if (secret !== undefined) return secret;
  throw unknownSecret("there is no secret", name);
}

/** An address for messages and lists: without what may be secret in it. */
export function shownUrl(written: string): string {
  if (written.startsWith("$") || !URL.canParse(written)) return written;
  const { protocol, host } = new URL(written);
  return `${protocol}//${host}/…`;
}

function unknownSecret(why: string, name: string): PropagitError {
  return new PropagitError("TASK_FAILED", `${why} ${name}`, {
    hint: `give it to whoever carries the plan out, as a setting or an environment variable ${name}`,
  });
}
