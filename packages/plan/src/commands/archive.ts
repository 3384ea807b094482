/** Keeps a folder as it is now, at no cost: every file has one more name. */
import { described, object, text, whole } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { cleanupScript } from "./cleanup.js";
import { guardScript } from "./kit/guards.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

const script = `${guardScript}from=$1 into=$2 name=$3
[ -d "$from/." ] || fail "there is no folder $from"
[ -d "$into" ] || mkdir -p -- "$into" || exit 1
case $into/ in "$from"/*) refuse "$into is within $from" ;; esac
cd -P -- "$into" || exit 1
if there "./$name"; then unchanged; fi
work=$(mktemp -d ./.propagit-XXXXXXXX) || exit 1
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cp -RPpl -- "$from/." "$work/new" || fail "$from and $into are not on one disk that knows hard links"
rename "$work/new" "./$name" || exit 1
`;

const args = object(
  {
    from: described("The folder.", hostPath),
    into: described("The folder of all its archives, on the same disk.", hostPath),
    name: described(
      "What this one is called there.",
      text({
        max: 200,
        pattern: "^[A-Za-z0-9_][A-Za-z0-9._@+-]*$",
        why: "is not a name without blanks",
      }),
    ),
    keep: described("How many stay there, of the newest (all).", whole(1, 10_000)),
    sudo,
  },
  ["from", "into", "name"],
);

export const archive = defineCommand({
  name: "archive",
  summary:
    "Keeps a folder as it is now, by hard links: whoever changes a file in place changes both.",
  args,
  describe: ({ from, into, name }) => `would keep ${shown(from)} as ${shown(`${into}/${name}`)}`,
  async run({ from, into, name, keep, sudo: asRoot }, context) {
    const folder = await placeOn(context, into);
    const words = [await placeOn(context, from), folder, name];
    const made = await runScript(context, { text: script, args: words, sudo: asRoot });
    if (keep === undefined) return made;
    const cleanupWords = [folder, String(keep), "folders", "*", name];
    const kept = await runScript(context, {
      text: cleanupScript,
      args: cleanupWords,
      sudo: asRoot,
    });
    return made.outcome === "done" ? made : kept;
  },
  example: { from: "/srv/app/releases/7", into: "/srv/app/archive", name: "7", keep: 10 },
});
