/** Copies a file or a folder. */
import { choice, described, object, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { replacingScript } from "./kit/replacing.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

const script = `${guardScript}from=$1 to=$2 preserve=$3 exists=$4
there "$from" || fail "there is no $from"
case $to/ in "$from"/*) refuse "$to is within $from" ;; esac
same() {
  if [ -d "$from" ]; then
    links=--no-dereference
    diff "$links" /dev/null /dev/null 2>/dev/null || links=-a
    [ -d "$to" ] && diff -rq "$links" "$from/." "$to/." >/dev/null 2>&1
  else
    [ -f "$to" ] && cmp -s "$from" "$to"
  fi
}
if there "$to"; then
  [ ! -L "$to" ] || refuse "$to is a link; name what it leads to"
  if same; then unchanged; fi
  case $exists in
    keep) unchanged ;;
    fail) refuse "$to is there already, and another" ;;
  esac
  if [ -d "$from" ] && [ ! -d "$to" ]; then refuse "$to is a file, and $from a folder"; fi
  if [ ! -d "$from" ] && [ -d "$to" ]; then refuse "$to is a folder, and $from a file"; fi
fi
physical "$to"
guard "$full" replaced
${replacingScript}cp "-RH$preserve" -- "$from" "$work/new" || exit 1
if [ -d "./$name" ]; then rename "./$name" "$work/old" || exit 1; fi
rename "$work/new" "./$name" || exit 1
`;

const args = object(
  {
    from: described("A file, or a folder with all that is in it; both at the host.", hostPath),
    to: described("Its new path, not the folder that it is put into.", hostPath),
    preserve: described(
      "Owner, mode and times stay as they are (false).",
      withDefault(yesNo, false),
    ),
    ifExists: described(
      "What becomes of something else that is at `to` (replace).",
      withDefault(choice("replace", "keep", "fail"), "replace"),
    ),
    sudo,
  },
  ["from", "to"],
);

export const copy = defineCommand({
  name: "copy",
  summary: "Copies a file or a folder within the host; it appears at its place when it is whole.",
  args,
  describe: ({ from, to, ifExists }) =>
    `would copy ${shown(from)} to ${shown(to)}${ifExists === "keep" ? ", unless something is there" : ""}`,
  async run({ from, to, preserve, ifExists, sudo: asRoot }, context) {
    const places = [await placeOn(context, from), await placeOn(context, to)];
    const words = [...places, preserve ? "p" : "", ifExists];
    return runScript(context, { text: script, args: words, sudo: asRoot });
  },
  example: { from: "/srv/app/config", to: "/srv/app/releases/7/config", preserve: true },
});
