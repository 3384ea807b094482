/** What a host is and has, as one script there says it. */
import type { CommandContext } from "@propagit/plan";
import { askThere, type Place } from "./there.js";

/** A Node that runs there. */
export interface FarNode {
  /** `20.20.2`. */
  readonly version: string;
  /** Of it, `bin/node` is the program. */
  readonly prefix: string;
}

export interface HostFacts {
  /** As `uname` says them: `Linux`, `x86_64`. */
  readonly system: string;
  readonly machine: string;
  readonly libc: "glibc" | "musl";
  readonly user: string;
  /** Programs without which nothing goes. */
  readonly missing: readonly string[];
  /** The one that was brought first, then that of its PATH. */
  readonly nodes: readonly FarNode[];
  readonly git: string;
}

const script = `base=$1
say() { printf '%s=%s\\n' "$1" "$2"; }
say system "$(uname -s)"
say machine "$(uname -m)"
say user "$(id -un)"
libc=glibc
for each in /lib/ld-musl-*; do [ ! -e "$each" ] || libc=musl; done
if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then libc=glibc; fi
say libc "$libc"
for each in git tar gzip sha256sum mktemp readlink find; do
  command -v "$each" >/dev/null || say missing "$each"
done
say git "$(git --version 2>/dev/null)"
for each in "$base/next-node/bin/node" "$(command -v node)"; do
  [ -x "$each" ] || continue
  say node "$("$each" -p 'process.version + " " + process.execPath' 2>/dev/null)"
done
exit 0
`;

export async function factsOf(context: CommandContext, { base }: Place): Promise<HostFacts> {
  return parseFacts(await askThere(context, { text: script, args: [base] }));
}

export function parseFacts(text: string): HostFacts {
  const lines = text.split("\n").map((line) => {
    const at = line.indexOf("=");
    return { key: line.slice(0, at), value: line.slice(at + 1).trim() };
  });
  const all = (key: string) => lines.filter((line) => line.key === key).map(({ value }) => value);
  const one = (key: string) => all(key)[0] ?? "";
  return {
    system: one("system"),
    machine: one("machine"),
    libc: one("libc") === "musl" ? "musl" : "glibc",
    user: one("user"),
    missing: all("missing"),
    nodes: all("node").flatMap((line) => parseNode(line) ?? []),
    git: one("git").replace("git version ", ""),
  };
}

function parseNode(line: string): FarNode | undefined {
  const [, version, prefix] = /^v(\d+\.\d+\.\d+)\S* (\/.*)\/bin\/node$/.exec(line) ?? [];
  return version === undefined || prefix === undefined ? undefined : { version, prefix };
}
