/**
 * Destinations that files are never pushed to: a push makes a folder hold what it brings, so a slip of the
 * keyboard (`/usr` for `/usr/share/site`) must not be one.
 */

export interface GuardedMachine {
  /** Of the drone's user. */
  readonly home: string;
  /** Of all users of the machine. */
  readonly homes: readonly string[];
  readonly dataFolder: string;
  /** Destinations of other pushes. */
  readonly others: readonly string[];
}

/** What the kernel makes up; nothing in there can be kept. */
const unreal = ["/proc", "/sys", "/dev"];
/** Folders below the top that belong to the system and hold what others put there. */
const system = new Set(
  [
    ["/usr", "bin sbin lib lib32 lib64 libexec share include src local games etc"],
    ["/usr/local", "bin sbin lib libexec share include src games etc"],
    ["/var", "lib log cache spool tmp run lock mail backups opt db empty"],
    ["/etc", "ssh ssl pam.d systemd init.d apt sudoers.d security network"],
    ["/lib", "systemd modules firmware"],
    ["/Library", ""],
    ["/System", ""],
  ].flatMap(([parent, names = ""]) => names.split(" ").map((name) => `${parent}/${name}`)),
);

/** Why a destination is refused; undefined when it may be one. `path` is absolute and has no links in it. */
export function guardReason(path: string, machine: GuardedMachine): string | undefined {
  const { home, homes, dataFolder, others } = machine;
  if (path.split("/").length < 3) return `${path} is a folder at the top of the machine`;
  if (unreal.some((one) => isInside(path, one))) return `${path} is the kernel's`;
  if (system.has(path)) return `${path} belongs to the system`;
  if (path === home || homes.includes(path)) return `${path} is somebody's home folder`;
  const below = [home, ...homes].find((one) => one !== "/" && isInside(one, path));
  if (below !== undefined) return `${path} has a home folder in it (${below})`;
  if (isInside(path, dataFolder) || isInside(dataFolder, path)) {
    return `${path} and the drone's own data folder (${dataFolder}) are in each other's way`;
  }
  const other = others.find((one) => one !== path && (isInside(path, one) || isInside(one, path)));
  if (other === undefined) return undefined;
  return `${path} and ${other}, where files were pushed to, are in each other's way`;
}

/**
 * A destination as it was asked for, made absolute; undefined when it is not of the form `/a/b` or `~/a`.
 * `.`, empty parts and a slash at the end mean nothing; `..` is refused, as it means another thing behind a link.
 */
export function destinationOf(asked: string, home: string): string | undefined {
  if (asked.includes("\0")) return undefined;
  const absolute = asked === "~" || asked.startsWith("~/") ? `${home}${asked.slice(1)}` : asked;
  const names = absolute.split("/").filter((name) => name !== "" && name !== ".");
  if (!absolute.startsWith("/") || names.includes("..")) return undefined;
  return `/${names.join("/")}`;
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
