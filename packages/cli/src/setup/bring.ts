/**
 * An archive becomes a folder at a host, whole or not at all:
 *
 *     stdin or a URL --> a folder of its own --> its hash is right? --> unpacked --> looked at --> renamed
 *
 * Whatever breaks off, the folder of its own is removed by the shell that made it; what a machine that lost its
 * power left goes with the next one, a day later.
 */
import { scriptEnds, type CommandContext, lastLine } from "@propagit/plan";
import { failure, tryThere, type Place } from "./there.js";

export interface Brought {
  /** Of the folder, below the base. */
  readonly name: string;
  /** In messages: `Node 20.20.2`. */
  readonly what: string;
  readonly from:
    | { readonly kind: "bytes"; readonly archive: Uint8Array }
    /** Got by the host itself. */
    | { readonly kind: "url"; readonly url: string };
  /** Of the archive, in hex: SHA-256 or SHA-512. */
  readonly sum: string;
  readonly format: "tar" | "tar.gz" | "tar.xz";
  /** What is looked at before it counts: that its `bin/node` runs, or the sums of its files. */
  readonly check: "node" | "sums";
}

/** Ends of the script beside those of every script: what came does not run there. */
const doesNotRun = 92;

const script = `base=$1 name=$2 what=$3 url=$4 sum=$5 format=$6 check=$7
first() { printf '%s\\n' "$1" | head -n 1; }
fetch() {
  if command -v curl >/dev/null; then curl -fsSL --connect-timeout 20 --retry 2 -- "$1"
  elif command -v wget >/dev/null; then wget -q -T 20 -O - -- "$1"
  else echo "there is neither curl nor wget" >&2; return 1
  fi
}
mkdir -p -- "$base" || exit 1
find "$base" -maxdepth 1 -name '.propagit-*' -mtime +0 -exec rm -rf -- {} + 2>/dev/null
work=$(mktemp -d "$base/.propagit-XXXXXXXX") || exit 1
trap 'cd /; rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
if [ -n "$url" ]; then why=$( { fetch "$url" >"$work/archive"; } 2>&1) || fail "$what cannot be got from $url: $(first "$why")"
else why=$( { cat >"$work/archive"; } 2>&1) || fail "$what was not written: $(first "$why")"
fi
if [ "\${#sum}" = 64 ]; then found=$(sha256sum <"$work/archive"); else found=$(sha512sum <"$work/archive"); fi
[ "\${found%% *}" = "$sum" ] || fail "$what did not come as it should: its hash is another"
mkdir "$work/out" && cd "$work/out" || exit 1
case $format in
  tar) why=$(tar -xof ../archive 2>&1) ;;
  tar.gz) why=$(tar -xzof ../archive 2>&1) ;;
  tar.xz)
    command -v xz >/dev/null || fail "$what is a .tar.xz, and there is no xz to unpack it"
    why=$(tar -xJof ../archive 2>&1) ;;
esac || fail "$what could not be unpacked: $(first "$why")"
rm -f ../archive
set -- *
[ $# -eq 1 ] && [ -d "$1" ] && [ ! -L "$1" ] || fail "$what is not one folder"
case $check in
  node)
    [ -f "$1/bin/node" ] || fail "$what has no bin/node"
    why=$("./$1/bin/node" -p process.version 2>&1) || { first "$why" >&2; exit ${doesNotRun}; }
    printf '%s\\n' "$why" ;;
  sums)
    (cd -- "$1" && sha256sum -c SHA256SUMS >/dev/null 2>&1) || fail "$what did not come as it should" ;;
esac
if there "$base/$name"; then mv -- "$base/$name" "$work/old" || exit 1; fi
mv -T -- "$1" "$base/$name" || exit 1
sync
`;

export type BroughtEnd =
  | { readonly kind: "there"; readonly said: string }
  /** Nothing of it was kept. */
  | { readonly kind: "does-not-run"; readonly why: string };

/** @throws TASK_FAILED */
export async function bring(
  context: CommandContext,
  { base }: Place,
  brought: Brought,
): Promise<BroughtEnd> {
  const { name, what, from, sum, format, check } = brought;
  const url = from.kind === "url" ? from.url : "";
  const ended = await tryThere(context, {
    text: script,
    args: [base, name, what, url, sum, format, check],
    ...(from.kind === "bytes" && { input: from.archive }),
  });
  if (ended.code === scriptEnds.done) return { kind: "there", said: ended.output.trim() };
  const why = lastLine(ended);
  if (ended.code === doesNotRun) return { kind: "does-not-run", why };
  throw failure(context, why, hintFor(why, context.host.name, base));
}

function hintFor(why: string, host: string, base: string): string {
  if (/No space left|Disk quota exceeded/i.test(why)) {
    return `make room there, then again; see how much there is: ssh ${host} df -h ${base}`;
  }
  if (/there is no xz/.test(why)) {
    return `install it there: ssh ${host} sudo apt-get install xz-utils; or give a .tar.gz`;
  }
  return "nothing half is left; try it again";
}
