/** Lets a link lead somewhere, in one step. */
import { described, object, text, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

const script = `${guardScript}path=$1 to=$2 dangling=$3
leads() { target=$(readlink "$1"; echo .); [ "\${target%??}" = "$to" ]; }
if [ -L "$path" ]; then
  if leads "$path"; then unchanged; fi
elif [ -e "$path" ]; then
  refuse "$path is there, and no link"
fi
physical "$path"
if [ "$dangling" != y ] && [ ! -e "$to" ]; then fail "there is no $to for $path to lead to"; fi
work=$(mktemp -d ./.propagit-XXXXXXXX) || exit 1
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
ln -s -- "$to" "$work/link" && rename "$work/link" "./$name" || exit 1
leads "./$name" || fail "$path leads elsewhere: somebody else changes it, too"
`;

const target = text({ wanted: "a path", max: 4_096 });

const args = object(
  {
    path: described("The link.", hostPath),
    to: described("Where it leads: a path, or one from the link's folder.", target),
    dangling: described("true: there need be nothing at `to` (false).", withDefault(yesNo, false)),
    previous: described("Where it leads now; a rollback lets it lead there again.", target),
    sudo,
  },
  ["path", "to"],
);

export const symlink = defineCommand({
  name: "symlink",
  summary: "Lets a link lead somewhere: at every moment it leads to the old or to the new place.",
  args,
  describe: ({ path, to }) => `would let ${shown(path)} lead to ${shown(to)}`,
  async run({ path, to, dangling, sudo: asRoot }, context) {
    const words = [await placeOn(context, path), await placeOn(context, to), dangling ? "y" : ""];
    return runScript(context, { text: script, args: words, sudo: asRoot });
  },
  undo: ({ path, previous, dangling, sudo: asRoot }) =>
    previous === undefined
      ? []
      : [{ command: "symlink", path, to: previous, dangling, sudo: asRoot }],
  example: { path: "/srv/app/current", to: "releases/7", previous: "releases/6" },
});
