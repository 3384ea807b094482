/** Files that people name on the command line. */
import { readFileSync, statSync } from "node:fs";
import { formatBytes, PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";

/** More than any plan may have. */
const bytesMax = 64 * 1024 ** 2;

/** @param path `-` is standard input. @throws BAD_USAGE */
export function readTextFile(path: string): string {
  try {
    if (path === "-") return readFileSync(0, "utf8");
    const { size } = statSync(path);
    if (size > bytesMax) throw new Error(`it is longer than ${formatBytes(bytesMax)}`);
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const reason =
      reasons[errnoOf(thrown) ?? ""] ?? (thrown instanceof Error ? thrown.message : String(thrown));
    throw new PropagitError("BAD_USAGE", `${path} cannot be read: ${reason}`, { cause: thrown });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};
