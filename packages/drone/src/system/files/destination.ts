/** A destination on this machine: where it really is, and whether files may be pushed there at all. */
import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { PropagitError, quote } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { Owner } from "../../core/files-plan.js";
import { destinationOf, guardReason } from "../../core/files-guard.js";

const run = promisify(execFile);

/**
 * The absolute path of a destination, links in the folders above it resolved. Missing ones stay as they are.
 *
 * @throws FILES_REFUSED
 */
export async function resolveDestination(asked: string): Promise<string> {
  const path = destinationOf(asked, homedir());
  if (path === undefined) {
    throw refused(
      `${quote(asked)} is no destination`,
      "write an absolute path, or ~/… for the home of the drone's user",
    );
  }
  if (path === "/") return path;
  const resolved = join(await resolveMissing(dirname(path)), basename(path));
  const seen = await lstat(resolved).catch(() => undefined);
  if (seen?.isSymbolicLink()) {
    throw refused(`${resolved} is a link, which is not followed`, "push to where it leads");
  }
  if (seen && !seen.isDirectory()) {
    throw refused(`${resolved} is no folder`, "give a folder: files keep their names in it");
  }
  return resolved;
}

/** @throws FILES_REFUSED */
export async function guardDestination(
  path: string,
  place: { readonly dataFolder: string; readonly others: readonly string[] },
): Promise<void> {
  const dataFolder = await realpath(place.dataFolder).catch(() => place.dataFolder);
  const home = await homeFolder();
  // Files that were pushed into the home folder itself are in nobody's way.
  const others = place.others.filter((one) => one !== home);
  const reason = guardReason(path, { others, dataFolder, home, homes: await userHomes() });
  if (reason !== undefined) {
    throw refused(reason, "push to a folder of its own, such as /srv/NAME or ~/NAME");
  }
}

/** Of the drone's user, links resolved. */
export function homeFolder(): Promise<string> {
  return realpath(homedir()).catch(() => homedir());
}

/** Makes the folders above a destination; they are of no push. */
export async function makeAbove(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
}

/**
 * The numbers of an owner, and whether the drone may give files to him.
 *
 * @throws FILES_REFUSED
 */
export async function resolveOwner(text: string | undefined): Promise<Owner> {
  if (text === undefined) return {};
  const [user = "", group = ""] = text.split(":");
  const uid = user === "" ? undefined : await idOf("passwd", user);
  const gid = group === "" ? undefined : await idOf("group", group);
  const owner = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  const isRoot = process.getuid?.() === 0;
  const isOwnUser = uid === undefined || uid === process.getuid?.();
  const isOwnGroup = gid === undefined || (process.getgroups?.() ?? []).includes(gid);
  if (isRoot || (isOwnUser && isOwnGroup)) return owner;
  throw refused(
    `files cannot be given to ${text}: the drone does not run as root`,
    "run the drone as root, or as that user, or leave --owner out",
  );
}

/** Asks the system, which knows also users of a directory service; numbers need not be known to it. */
async function idOf(kind: "passwd" | "group", name: string): Promise<number> {
  if (/^\d{1,10}$/.test(name)) return Number(name);
  // NAME:PASSWORD:ID:… in both (passwd(5), group(5))
  const found = await run("getent", [kind, name]).then(
    ({ stdout }) => stdout.split(":")[2],
    () => undefined,
  );
  if (found !== undefined && /^\d+$/.test(found)) return Number(found);
  const what = kind === "passwd" ? "user" : "group";
  throw refused(
    `there is no ${what} ${quote(name)} on this machine`,
    "make it first, or give a number",
  );
}

/** Homes of people and of root; services have theirs in /nonexistent, /var/lib/… or /. */
async function userHomes(): Promise<readonly string[]> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "");
  const homes = text.split("\n").flatMap((line) => {
    const [, , uid, , , home] = line.split(":");
    const isPerson = Number(uid) === 0 || (Number(uid) >= 1_000 && Number(uid) < 65_534);
    return isPerson && home?.startsWith("/") ? [home] : [];
  });
  return homes.filter((home) => home !== "/");
}

async function resolveMissing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOENT" || path === "/") {
      throw new PropagitError(
        "FILES_REFUSED",
        `${path} cannot be used: ${errnoOf(thrown) ?? String(thrown)}`,
        { cause: thrown },
      );
    }
    // A link that leads nowhere is there all the same, and would be followed one day.
    if (await lstat(path).catch(() => undefined)) {
      throw refused(`${path} is a link that leads nowhere`, "mend or remove it");
    }
    return join(await resolveMissing(dirname(path)), basename(path));
  }
}

function refused(reason: string, hint: string): PropagitError {
  return new PropagitError("FILES_REFUSED", reason, { hint });
}
