/** Files of a folder, as manifests and detection read them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { manifestFiles } from "@propagit/manifest";
import type { ProjectFiles } from "./found.js";

export function folderFiles(folder: string): ProjectFiles {
  return {
    has: (path) => existsSync(join(folder, path)),
    read: (path) => readIfThere(join(folder, path)),
  };
}

/** Of the files that may say what a repository consists of, those that are there. */
export function readManifestFiles(folder: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const path of manifestFiles) {
    const text = readIfThere(join(folder, path));
    if (text !== undefined) files.set(path, text);
  }
  return files;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === "ENOENT" || errno === "ENOTDIR" || errno === "EISDIR") return undefined;
    throw new PropagitError("BAD_USAGE", `${path} cannot be read: ${errno ?? String(thrown)}`, {
      hint: "check its owner and mode",
      cause: thrown,
    });
  }
}
