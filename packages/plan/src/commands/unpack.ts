/** Unpacks an archive, and nothing but what belongs below its place. */
import { choice, described, mapped, object, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

/**
 *     names looked at --> unpacked into a folder of its own --> links looked at --> the same there already?
 *                                                                  --> renamed, or laid over what is there
 */
const script = `${guardScript}archive=$1 to=$2 format=$3 exists=$4
[ -f "$archive" ] || fail "there is no file $archive"
if there "$to" && [ ! -d "$to" ]; then refuse "$to is there, and no folder"; fi
if [ "$exists" = keep ] && [ -d "$to" ] && [ -n "$(ls -A "$to/.")" ]; then unchanged; fi
physical "$to"
[ -n "$name" ] || refuse "/ is no place to unpack to"
work=$(mktemp -d "\${full%/*}/.propagit-XXXXXXXX") || exit 1
trap 'cd /; chmod -R u+rwX "$work" 2>/dev/null; rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
# By a plain name of ours: tar takes a:b for another machine, unzip takes [ for a pattern.
ln -s -- "$archive" "$work/in" && mkdir -- "$work/out" && cd -- "$work/out" || exit 1
case $format in
  tar) tar -tf ../in ;;
  tar.gz) tar -tzf ../in ;;
  zip) unzip -Z1 ../in ;;
esac >../names </dev/null || fail "$archive cannot be read as $format"
wrong=$(grep -E '^/|^\\.\\.$|^\\.\\./|/\\.\\./|/\\.\\.$' ../names | head -n 1)
[ -z "$wrong" ] || refuse "$archive has $wrong in it, which leaves $to"
case $format in
  tar) tar -xof ../in ;;
  tar.gz) tar -xzof ../in ;;
  zip) unzip -q -o ../in ;;
esac </dev/null || fail "$archive could not be unpacked"
wrong=$(find . ! -type f ! -type d ! -type l | head -n 1)
[ -z "$wrong" ] || refuse "$archive has $wrong in it, which is no file, folder or link"
wrong=$(find . -type l -exec /bin/sh -c "$links" sh {} + | head -n 1)
[ -z "$wrong" ] || refuse "$archive has a link in it that leaves $to: $wrong"
if [ ! -d "$to" ]; then
  cd .. && mv -- out "$full" || exit 1
  exit 0
fi
# Not as a word of find, which takes {} in a name for the names that it found.
PROPAGIT_TO=$to; export PROPAGIT_TO
if find . -exec /bin/sh -c "$same" sh {} +; then unchanged; fi
mode=$(mode_of "$to/.")
# Not by cp, which would write through links that are there.
tar -cf ../all . || exit 1
tar -xof ../all -C "$to/." || exit 1
chmod "$mode" "$to/."
`;

/** Of links, those that lead above the folder they are in all together; by their words, which say it all there. */
const linksScript = `for link do
  to=$(readlink "$link"; echo .); to=\${to%??}
  depth=-1 rest=$link
  while :; do
    case $rest in */*) depth=$((depth + 1)) rest=\${rest#*/} ;; *) break ;; esac
  done
  case $to in /*) depth=-1 to= ;; esac
  set -f; IFS=/
  for part in $to; do
    case $part in
      '' | .) ;;
      ..) depth=$((depth - 1)); [ "$depth" -ge 0 ] || break ;;
      *) depth=$((depth + 1)) ;;
    esac
  done
  unset IFS; set +f
  [ "$depth" -ge 0 ] || printf '%s\\n' "$link"
done`;

/** Whether all of it is so in another folder, which may have more. */
const sameScript = `to=$PROPAGIT_TO
for each do
  if [ -L "$each" ]; then
    [ -L "$to/$each" ] && [ "$(readlink "$each")" = "$(readlink "$to/$each")" ] || exit 1
  elif [ -d "$each" ]; then
    [ "$each" = . ] || { [ -d "$to/$each" ] && [ ! -L "$to/$each" ]; } || exit 1
  else
    [ -f "$to/$each" ] && [ ! -L "$to/$each" ] && cmp -s "$each" "$to/$each" || exit 1
  fi
done`;

const args = object(
  {
    archive: described("A file at the host: bring it there with `upload`.", hostPath),
    to: described("The folder for what is in it; made when it is not there.", hostPath),
    format: described(
      "(by its name: .tar, .tar.gz, .tgz, .zip, .war, .jar)",
      choice("tar", "tar.gz", "zip"),
    ),
    ifExists: described(
      "When the folder has something in it: `merge` lays it over that, `keep` leaves it so (merge).",
      withDefault(choice("merge", "keep"), "merge"),
    ),
    sudo,
  },
  ["archive", "to"],
);

export const unpack = defineCommand({
  name: "unpack",
  summary:
    "Unpacks a tar or zip archive; one with an entry or a link that leaves the folder is refused.",
  args: mapped(args, (value, at, _where, problems) => {
    const format = value.format ?? formatOf(value.archive);
    if (format !== undefined) return { ...value, format };
    problems.add(at, `the name of ${shown(value.archive)} does not tell its \`format\``);
    return undefined;
  }),
  describe: ({ archive, to }) => `would unpack ${shown(archive)} to ${shown(to)}`,
  async run({ archive, to, format, ifExists, sudo: asRoot }, context) {
    const words = [await placeOn(context, archive), await placeOn(context, to), format, ifExists];
    const text = `links=$5 same=$6\n${script}`;
    return runScript(context, { text, args: [...words, linksScript, sameScript], sudo: asRoot });
  },
  example: { archive: "/srv/app/incoming/app.tar.gz", to: "/srv/app/releases/7" },
});

function formatOf(archive: string): "tar" | "tar.gz" | "zip" | undefined {
  if (/\.(?:tar\.gz|tgz)$/i.test(archive)) return "tar.gz";
  if (/\.tar$/i.test(archive)) return "tar";
  return /\.(?:zip|war|jar)$/i.test(archive) ? "zip" : undefined;
}
