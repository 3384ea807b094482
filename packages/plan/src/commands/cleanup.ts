/** Keeps the newest of many: releases, archives, backups. */
import { choice, described, object, oneOrMany, text, whole, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

/**
 * Names are never printed: what is sorted are times and numbers of positions, so that any name may be there.
 * What a link in the folder or beside it leads to, or leads into, stays however old it is.
 */
export const cleanupScript = `${guardScript}
real() { target=$(cd -P -- "$1" 2>/dev/null && pwd -P && echo .) || return 1; target=\${target%??}; }
time_of() {
  at=$(stat -c %.9Y -- "$1" 2>/dev/null)
  case $at in '' | *[!0-9.]*) at=$(stat -c %Y -- "$1" 2>/dev/null || stat -f %m -- "$1") ;; esac
}
wanted() {
  [ ! -L "$1" ] || return 1
  case $kind in
    folders) [ -d "$1" ] ;;
    files) [ -f "$1" ] ;;
    *) [ -e "$1" ] ;;
  esac
}
# Is there a link to "$1", or to what is in it?
linked() {
  for link in ./* ../*; do
    [ -L "$link" ] || continue
    if real "$link"; then
      case $target/ in "$here/\${1#./}"/*) return 0 ;; esac
    elif [ "$link" -ef "$1" ]; then return 0
    fi
  done
  return 1
}
spared() {
  for one in $spare; do
    [ "$1" != "./$one" ] || return 0
  done
  return 1
}
folder=$1 keep=$2 kind=$3 match=$4
shift 4
spare=
for one; do
  case $one in *' '* | *'	'*) fail "$one: no name to spare" ;; esac
  spare="$spare $one"
done
[ -d "$folder" ] || unchanged
cd -P -- "$folder" || exit 1
here=$(pwd -P; echo .); here=\${here%??}
old=$IFS IFS=
set -- ./$match
IFS=$old
position=0 table=
for each; do
  position=$((position + 1))
  wanted "$each" || continue
  time_of "$each"
  table="$table$at $position
"
done
removed=
for position in $(printf '%s' "$table" | sort -k1,1nr -k2,2nr | cut -d' ' -f2 | tail -n "+$((keep + 1))"); do
  eval "each=\\\${$position}"
  if spared "$each" || linked "$each"; then continue; fi
  guard "$here/\${each#./}" removed
  rm -rf -- "$each" || exit 1
  printf 'removed %s\\n' "$each"
  removed=y
done
[ -n "$removed" ] || unchanged
`;

const args = object(
  {
    folder: described("In which they are.", hostPath),
    keep: described("How many stay, of the newest.", whole(1, 10_000)),
    match: described(
      "Which: a name, with `*` and `?`; a dot at the beginning is only meant where it is written (*).",
      withDefault(
        text({ max: 200, pattern: "^[^/]+$", why: "is a path; it is a name in `folder`" }),
        "*",
      ),
    ),
    kind: described("(folders)", withDefault(choice("folders", "files", "any"), "folders")),
    spare: described(
      "Names that always stay.",
      oneOrMany(text({ max: 255, pattern: "^[^/\\s*?\\[]+$", why: "is not one plain name" }), 100),
    ),
    sudo,
  },
  ["folder", "keep"],
);

export const cleanup = defineCommand({
  name: "cleanup",
  summary: "Keeps the newest few in a folder, and whatever a link there or beside it leads to.",
  args,
  describe: ({ folder, keep, match }) =>
    `would keep the newest ${keep} of ${shown(match === "*" ? folder : `${folder}/${match}`)}, and what links lead to`,
  async run({ folder, keep, match, kind, spare = [], sudo: asRoot }, context) {
    const words = [await placeOn(context, folder), String(keep), kind, match, ...spare];
    return runScript(context, { text: cleanupScript, args: words, sudo: asRoot });
  },
  continueOnFail: true,
  example: { folder: "/srv/app/releases", keep: 5 },
});
