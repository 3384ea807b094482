/** A destination as a tree of open folders: goes to any path in it without following a link. */
import { folderOf } from "@propagit/protocol";
import type { Folder } from "./folder.js";

export class Tree {
  readonly root: Folder;
  /** From the top to where it went last, each with its path; paths come in order, so most are still open. */
  readonly #open: { readonly path: string; readonly folder: Folder }[] = [];

  constructor(root: Folder) {
    this.root = root;
  }

  /** The folder of a path in the tree; open until another one is asked for. */
  async folder(path: string): Promise<Folder> {
    await this.#leave(path);
    let at = this.#open.at(-1)?.path ?? "";
    let folder = this.#open.at(-1)?.folder ?? this.root;
    const rest = at === "" ? path : path.slice(at.length + 1);
    for (const name of rest.split("/").filter((it) => it !== "")) {
      folder = await folder.child(name);
      at = at === "" ? name : `${at}/${name}`;
      this.#open.push({ path: at, folder });
    }
    return folder;
  }

  /** The folder that something is in, and its name there. */
  async placeOf(path: string): Promise<{ readonly folder: Folder; readonly name: string }> {
    const parent = folderOf(path);
    const name = parent === "" ? path : path.slice(parent.length + 1);
    return { folder: await this.folder(parent), name };
  }

  /** Folders were moved: what is open may be elsewhere now. */
  async forget(): Promise<void> {
    for (const { folder } of this.#open.splice(0)) await folder.close();
  }

  async close(): Promise<void> {
    await this.forget();
    await this.root.close();
  }

  async #leave(path: string): Promise<void> {
    for (let last = this.#open.at(-1); last; last = this.#open.at(-1)) {
      if (path === last.path || path.startsWith(`${last.path}/`)) return;
      this.#open.pop();
      await last.folder.close();
    }
  }
}
