/**
 * What git asks of a credential helper, and what it is answered: see gitcredentials(7). Only hubs that
 * were named are known; everything else is left to other helpers.
 */
import { remoteOfGitPlace, type Remote } from "./remotes.js";
import { placeOfUrl } from "./git-project.js";

/** `key=value` lines up to an empty one; of a key that is there twice the last one counts. */
export function parseCredential(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line === "") break;
    const at = line.indexOf("=");
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}

/**
 * The answer to `get`; empty when the place is no hub that is known with its secret. The hub takes the
 * user's name for the author of a push.
 */
export function answerCredential(
  asked: ReadonlyMap<string, string>,
  remotes: readonly Remote[],
  user: string,
): string {
  const url = asked.get("url") ?? `${asked.get("protocol") ?? ""}://${asked.get("host") ?? ""}/`;
  const place = placeOfUrl(url);
  const remote = place && remoteOfGitPlace(remotes, place);
  // A line break would begin another field.
  if (remote?.secret === undefined || /[\r\n\0]/.test(remote.secret)) return "";
  // A colon would begin the password.
  const username = asked.get("username") ?? user.replaceAll(/[:\r\n\0]/g, "-");
  return `username=${username}\npassword=${remote.secret}\n`;
}
