/**
 * Folders as archives that every tar reads (POSIX ustar): the same files make the same bytes, whoever packs them
 * and when. GNU tar can be told to do so, others cannot.
 */
import { assert } from "@propagit/protocol";

export interface TarEntry {
  /** With `/` between folders. */
  readonly path: string;
  readonly content:
    | { readonly kind: "file"; readonly bytes: Uint8Array; readonly isProgram: boolean }
    | { readonly kind: "link"; readonly to: string };
}

const block = 512;

/** @param folder the one folder that all of it is in */
export function tarOf(folder: string, entries: readonly TarEntry[]): Uint8Array {
  const sorted = entries.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  const parts = sorted.flatMap((entry) => partsOf(`${folder}/${entry.path}`, entry.content));
  return Buffer.concat([...parts, new Uint8Array(2 * block)]);
}

function partsOf(path: string, content: TarEntry["content"]): readonly Uint8Array[] {
  if (content.kind === "link") {
    return [headOf(path, { type: "2", mode: 0o777, bytes: 0, to: content.to })];
  }
  const { bytes, isProgram } = content;
  const head = headOf(path, { type: "0", mode: isProgram ? 0o755 : 0o644, bytes: bytes.length });
  return [head, bytes, new Uint8Array((block - (bytes.length % block)) % block)];
}

interface Head {
  readonly type: "0" | "2";
  readonly mode: number;
  readonly bytes: number;
  readonly to?: string;
}

function headOf(path: string, { type, mode, bytes, to = "" }: Head): Uint8Array {
  const head = Buffer.alloc(block);
  const [name, prefix] = namesOf(path);
  assert(Buffer.byteLength(to) <= 100, `${path} leads to a place with a name that is too long`);
  const put = (text: string, at: number) => void head.write(text, at, "utf8");
  const number = (value: number, at: number, digits: number) =>
    put(value.toString(8).padStart(digits, "0"), at);
  put(name, 0);
  number(mode, 100, 7);
  number(0, 108, 7);
  number(0, 116, 7);
  number(bytes, 124, 11);
  number(0, 136, 11);
  put(" ".repeat(8), 148);
  put(type, 156);
  put(to, 157);
  put("ustar\x0000", 257);
  put(prefix, 345);
  const sum = head.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return head;
}

/** A name has 100 bytes; what is longer has its first folders, up to 155, in a field of their own. */
function namesOf(path: string): readonly [name: string, prefix: string] {
  if (Buffer.byteLength(path) <= 100) return [path, ""];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return [name, prefix];
  }
  throw new Error(`the name ${path} is too long for an archive`);
}
