/** Running an app as another user of the machine. */
import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { PropagitError } from "@propagit/protocol";
import { findProgram } from "./shim-program.js";

const run = promisify(execFile);

export interface Account {
  /** What stands before a command so that it runs as that user, for a shell. */
  readonly become: string;
  /** That are the user's own instead of the drone's. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * How to become a user; undefined when the drone is that user already.
 *
 * @throws DEPLOY_FAILED when there is no such user, or the drone may not become it
 */
export async function accountOf(user: string | undefined): Promise<Account | undefined> {
  if (user === undefined || user === userInfo().username) return undefined;
  const fields = await lookUp(user);
  if (fields === undefined) throw refused(`there is no user ${user} on this machine`);
  const { uid, gid, home } = fields;
  if (uid === process.getuid?.()) return undefined;
  if (process.getuid?.() !== 0) {
    throw refused(`it cannot run as user ${user}: the drone runs as ${userInfo().username}`, {
      hint: "run the drone as root, or leave `user` out",
    });
  }
  const setpriv = await findProgram("setpriv");
  if (setpriv === undefined) {
    throw refused(`it cannot run as user ${user}: there is no program setpriv`, {
      hint: "install util-linux",
    });
  }
  return {
    become: `'${setpriv}' --reuid=${uid} --regid=${gid} --init-groups --`,
    variables: { USER: user, LOGNAME: user, HOME: home },
  };
}

interface UserFields {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Asks the system, which knows also users of a directory service. */
async function lookUp(user: string): Promise<UserFields | undefined> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/.test(user)) return undefined;
  const line = await run("getent", ["passwd", user]).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
  // NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL (passwd(5))
  const [, , uid, gid, , home] = line.split(":");
  if (!uid || !gid || home === undefined) return undefined;
  return { uid: Number(uid), gid: Number(gid), home: home || "/" };
}

function refused(reason: string, options: { readonly hint?: string } = {}): PropagitError {
  return new PropagitError("DEPLOY_FAILED", reason, options);
}
