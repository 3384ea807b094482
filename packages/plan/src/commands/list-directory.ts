/** Says what is in a folder. */
import { described, object, whole, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

/** A name with a line break in it is one line as well, where `ls` puts `?` for what cannot be shown. */
const script = `path=$1 most=$2
[ -d "$path" ] || fail "there is no folder $path"
listed=$(LC_ALL=C.UTF-8 ls -lAq -- "$path/.") || exit 1
printf '%s\\n' "$listed" | awk -v most="$most" '
  NR > 1 && NR <= most + 1
  END { if (NR > most + 1) print "and " NR - most - 1 " more" }
'
`;

export const listDirectory = defineCommand({
  name: "list-directory",
  summary: "Says what is in a folder, a line for each file with its mode, owner, size and time.",
  args: object(
    {
      path: described("The folder.", hostPath),
      maxEntries: described(
        "How many are told, by their names; of others how many they are (1000).",
        withDefault(whole(1, 100_000), 1_000),
      ),
      sudo,
    },
    ["path"],
  ),
  describe: ({ path }) => `would say what is in ${shown(path)}`,
  async run({ path, maxEntries, sudo: asRoot }, context) {
    const words = [await placeOn(context, path), String(maxEntries)];
    return runScript(context, { text: script, args: words, sudo: asRoot });
  },
  actsAgain: true,
  needsNoUndo: true,
  example: { path: "/srv/app/releases" },
});
