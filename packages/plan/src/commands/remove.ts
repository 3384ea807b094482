/** Takes a file or a folder away, within limits that a mistake does not pass. */
import { described, mapped, object, whole, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { guardScript } from "./kit/guards.js";
import { placeOn, runScript } from "./kit/script.js";
import { hostPath, shown, sudo } from "./kit/words.js";

/** As murder had it, which would not wipe a folder of its own that had become so large. */
const entriesMaxDefault = 1_000;

const script = `${guardScript}path=$1 root=$2 most=$3
there "$path" || unchanged
physical "$path"
guard "$full" removed
if [ -n "$root" ]; then
  top=$(cd -P -- "$root" && pwd -P && echo .) || fail "there is no folder $root"
  top=\${top%??}
  case $full in
    "\${top%/}"/*) ;;
    *) refuse "$full is not below $top" ;;
  esac
fi
if [ -d "./$name" ] && [ ! -L "./$name" ]; then
  entries=$(find "./$name" -exec /bin/sh -c 'for each do echo; done' sh {} + | head -n "$most" | wc -l)
  [ "$entries" -lt "$most" ] || refuse "$full has $most entries or more; say \\\`maxEntries\\\` if that is right"
fi
rm -rf -- "./$name" || exit 1
! there "./$name" || fail "$full is there again: somebody else makes it"
`;

const written = object(
  {
    path: described("A file, a link (not what it leads to) or a folder with all in it.", hostPath),
    root: described("The folder that it must be below, where both really are.", hostPath),
    force: described("true: without `root` (false).", withDefault(yesNo, false)),
    maxEntries: described(
      `A folder with so many entries, or more, is refused (${entriesMaxDefault}).`,
      withDefault(whole(1, 10_000_000), entriesMaxDefault),
    ),
    sudo,
  },
  ["path"],
);

const args = mapped(written, (value, at, _where, problems) => {
  const { path, root, force } = value;
  if (root === undefined && !force) {
    problems.add(
      at,
      `has no \`root\`, the folder that ${shown(path)} must be below (or \`force\`)`,
    );
  } else if (path === "/" || path === "~" || /^\/[^/]+$/.test(path)) {
    problems.add(at, `\`path\` ${shown(path)} is never removed: a home, or directly below /`);
  } else if (root !== undefined && root !== "/" && !path.startsWith(`${root}/`)) {
    problems.add(at, `\`path\` ${shown(path)} is not below \`root\` ${shown(root)}`);
  }
  return value;
});

export const remove = defineCommand({
  name: "remove",
  summary: "Removes a file, a link or a folder, never `/`, what is directly below it, or a home.",
  args,
  describe: ({ path }) => `would remove ${shown(path)}`,
  async run({ path, root, maxEntries, sudo: asRoot }, context) {
    const top = root === undefined ? "" : await placeOn(context, root);
    const words = [await placeOn(context, path), top, String(maxEntries)];
    return runScript(context, { text: script, args: words, sudo: asRoot });
  },
  example: { path: "/srv/app/incoming/old", root: "/srv/app/incoming" },
});
