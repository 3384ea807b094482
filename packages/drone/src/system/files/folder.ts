/**
 * A folder that is held open, and names in it: whoever may write in a destination can put a link where a
 * folder was, between two looks. So nothing is ever reached by its whole path, but from an open folder, one
 * name at a time, and a link is not followed:
 *
 *     open("/") -> open("srv", no link) -> open("site", no link) -> rename("a", "b") in there
 *
 * Node has no `openat`; on Linux `/proc/self/fd/N/name` is the same. Elsewhere the path has to do.
 */
import { constants, existsSync } from "node:fs";
import {
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rmdir,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import type { BigIntStats } from "node:fs";
import type { Found } from "../../core/files-plan.js";

const hasProc = existsSync("/proc/self/fd");
/** Only to go on from: needs no right to list it (open(2)); Node has no name for it. */
const pathOnly = process.platform === "linux" ? 0o10000000 : 0;
const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class Folder {
  readonly #handle: FileHandle;
  /** Where it is, for messages and where there is no /proc. */
  readonly path: Buffer;

  private constructor(handle: FileHandle, path: Buffer) {
    this.#handle = handle;
    this.path = path;
  }

  /** Opens an absolute path without links in it. @throws ENOENT, ENOTDIR, ELOOP, EACCES */
  static async open(path: string): Promise<Folder> {
    const names = path.split("/").filter((name) => name !== "");
    let folder = new Folder(await open("/", asFolder | pathOnly), Buffer.from("/"));
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const parent = folder;
      try {
        folder = await parent.#child(latin(name), isLast ? asFolder : asFolder | pathOnly);
      } finally {
        await parent.close();
      }
    }
    return folder;
  }

  /** Of a name in it (one character for each byte), for calls of `node:fs`. */
  at(name: string): Buffer {
    const bytes = Buffer.from(name, "latin1");
    if (!hasProc) return Buffer.concat([this.path, Buffer.from("/"), bytes]);
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.#handle.fd}/`), bytes]);
  }

  child(name: string): Promise<Folder> {
    return this.#child(name, asFolder);
  }

  /** Made with nobody else let in, when it is not there. */
  async make(name: string): Promise<void> {
    await mkdir(this.at(name), { mode: 0o700 });
  }

  async names(): Promise<readonly string[]> {
    const names = await readdir(this.at("."), { encoding: "buffer" });
    return names.map((name) => name.toString("latin1"));
  }

  /** Undefined when there is nothing of that name. */
  async look(name: string): Promise<Found | undefined> {
    const seen = await lstat(this.at(name), { bigint: true }).catch((thrown: unknown) => {
      if ((thrown as { code?: unknown }).code === "ENOENT") return undefined;
      throw thrown;
    });
    return seen && this.#describe(name, seen);
  }

  /** Opens a file for reading, never through a link. */
  openFile(name: string): Promise<FileHandle> {
    // Without waiting: a pipe that took its place would keep whoever opens it.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return open(this.at(name), flags);
  }

  /** A new file that nobody else may read yet. */
  createFile(name: string): Promise<FileHandle> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    return open(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  /**
   * Removes what has that name, with all that is in it, when it is there. Whoever may write in there can put a link
   * where a folder was while that goes on: `rm` of Node would follow it, and remove what it leads to.
   */
  async remove(name: string): Promise<void> {
    const seen = await this.look(name);
    if (!seen) return;
    if (seen.kind !== "folder") {
      await unlink(this.at(name));
      return;
    }
    const folder = await this.child(name);
    try {
      for (const inner of await folder.names()) await folder.remove(inner);
    } finally {
      await folder.close();
    }
    await rmdir(this.at(name));
  }

  /** Owner first: giving a file away takes special bits of its mode. */
  async dress(
    mode: number,
    owner: { readonly uid?: number; readonly gid?: number },
  ): Promise<void> {
    if (owner.uid !== undefined || owner.gid !== undefined) {
      await this.#handle.chown(owner.uid ?? -1, owner.gid ?? -1);
    }
    await this.#handle.chmod(mode);
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #child(name: string, flags: number): Promise<Folder> {
    const path = Buffer.from(join(this.path.toString("latin1"), name), "latin1");
    return new Folder(await open(this.at(name), flags), path);
  }

  async #describe(name: string, seen: BigIntStats): Promise<Found> {
    const rights = {
      uid: Number(seen.uid),
      gid: Number(seen.gid),
      mode: Number(seen.mode) & 0o7777,
    };
    if (seen.isDirectory()) return { kind: "folder", ...rights };
    if (seen.isFile()) {
      return { kind: "file", ...rights, bytes: Number(seen.size), stamp: stampOf(seen) };
    }
    if (!seen.isSymbolicLink()) return { kind: "other" };
    const to = await readlink(this.at(name), { encoding: "buffer" });
    return { kind: "link", ...rights, to: to.toString("latin1") };
  }
}

/** What stays when a file is renamed. */
export function contentStamp({ size, mtimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ino].join("-");
}

/** What every change of a file changes: the time of its inode cannot be set by hand. */
function stampOf(seen: BigIntStats): string {
  return `${contentStamp(seen)}-${seen.ctimeNs}`;
}

function latin(name: string): string {
  return Buffer.from(name).toString("latin1");
}
