/** Moves a file or a folder. */
import { described, object, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { replacingScript } from "./kit/replacing.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

const script = `${guardScript}from=$1 to=$2 clobber=$3
if ! there "$from"; then
  ! there "$to" || unchanged
  fail "there is no $from"
fi
case $to/ in "$from"/*) refuse "$to is within $from" ;; esac
if there "$to" && [ "$clobber" != y ]; then refuse "$to is there already; say \\\`clobber: true\\\` to replace it"; fi
physical "$from"
guard "$full" moved
from=$full
physical "$to"
guard "$full" replaced
${replacingScript}if [ -d "./$name" ] && [ ! -L "./$name" ]; then rename "./$name" "$work/old" || exit 1; fi
rename "$from" "./$name" || exit 1
`;

const args = object(
  {
    from: described("A file or a folder.", hostPath),
    to: described("Its new path, not the folder that it is put into.", hostPath),
    clobber: described("true: what is at `to` goes (false).", withDefault(yesNo, false)),
    sudo,
  },
  ["from", "to"],
);

export const move = defineCommand({
  name: "move",
  summary: "Moves a file or a folder within the host; a move that was made is not made again.",
  args,
  describe: ({ from, to, clobber }) =>
    `would move ${shown(from)} to ${shown(to)}${clobber ? ", in place of what is there" : ""}`,
  async run({ from, to, clobber, sudo: asRoot }, context) {
    const places = [await placeOn(context, from), await placeOn(context, to)];
    return runScript(context, {
      text: script,
      args: [...places, clobber ? "y" : ""],
      sudo: asRoot,
    });
  },
  // What was replaced is gone: then there is nothing to go back to.
  undo: ({ from, to, clobber, sudo: asRoot }) =>
    clobber ? [] : [{ command: "move", from: to, to: from, sudo: asRoot }],
  example: { from: "/srv/app/incoming/7", to: "/srv/app/releases/7" },
});
