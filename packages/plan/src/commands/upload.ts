/** Brings a file from the engine's machine to a host. */
import { described, object, text } from "@propagit/shapes";
import type { Command } from "../command.js";
import { defineCommand } from "../define-command.js";
import { placeOn } from "./kit/script.js";
import { fileMode, hostPath, shown, sudo } from "./kit/words.js";

const args = object(
  {
    file: described(
      "Which: a path on the machine that carries the plan out.",
      text({ max: 4_096 }),
    ),
    to: described("Its path at the host; the folder above it must be there.", hostPath),
    mode: described(
      "Such as 0644 (as it had it there; of a new file what the host gives).",
      fileMode,
    ),
    sudo,
  },
  ["file", "to"],
);

export const upload = defineCommand({
  name: "upload",
  summary: "Brings a file to the host, whole or not at all; what is there already does not travel.",
  args,
  describe: ({ file, to }) => `would bring ${shown(file)} to ${shown(to)}`,
  async run({ file, to, mode, sudo: asRoot }, context) {
    const path = await placeOn(context, to);
    const { host, signal } = context;
    const options = { sudo: asRoot, signal, ...(mode !== undefined && { mode }) };
    return { outcome: await host.put({ kind: "file", path: file }, path, options) };
  },
  files: ({ file }) => [file],
  example: { file: "/srv/app/app.tar.gz", to: "/srv/app/incoming/app.tar.gz", mode: "0640" },
});

/** The same by its other name. */
export const put: Command<Parameters<typeof upload.run>[0]> = {
  ...upload,
  name: "put",
  summary: "The same as `upload`.",
};
