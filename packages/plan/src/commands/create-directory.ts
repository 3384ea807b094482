/** Makes a folder. */
import { described, object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { placeOn, runScript } from "./kit/script.js";
import { fileMode, hostPath, modeWord, owner, shown, sudo } from "./kit/words.js";

const script = `path=$1 mode=$2 owner=$3 changed=
if [ ! -d "$path" ]; then
  ! there "$path" || refuse "$path is there, and no folder"
  mkdir -p -- "$path" || exit 1
  changed=y
fi
if [ -n "$owner" ]; then
  before=$(owner_of "$path/.")
  chown "$owner" "$path/." || exit 1
  [ "$(owner_of "$path/.")" = "$before" ] || changed=y
fi
if [ -n "$mode" ] && [ "$(mode_of "$path/.")" != "$mode" ]; then
  chmod "$mode" "$path/." || exit 1
  changed=y
fi
[ -n "$changed" ] || unchanged
`;

const args = object(
  {
    path: described("Folders above it are made, too.", hostPath),
    mode: described("Such as 0755 (what the host gives).", fileMode),
    owner: described("Such as deploy or deploy:www (whoever makes it).", owner),
    sudo,
  },
  ["path"],
);

export const createDirectory = defineCommand({
  name: "create-directory",
  summary: "Makes a folder, with those above it, and sees to its owner and mode.",
  args,
  describe: ({ path }) => `would make the folder ${shown(path)}`,
  async run({ path, mode, owner: who = "", sudo: asRoot }, context) {
    const place = await placeOn(context, path);
    return runScript(context, { text: script, args: [place, modeWord(mode), who], sudo: asRoot });
  },
  example: { path: "/srv/app/releases/7", mode: "0750" },
});
