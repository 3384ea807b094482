/** Brings folders and files that were pushed to the hub to their place on a drone. */
import { PropagitError, shortCommit } from "@propagit/protocol";
import { described, object, text, withDefault, yesNo } from "@propagit/shapes";
import { commitHash } from "../core/plan-words.js";
import { defineCommand } from "../define-command.js";

export const putFiles = defineCommand({
  name: "put-files",
  summary: "Makes a folder on a drone hold what `propagit files push` brought to the hub.",
  args: object(
    {
      commit: described("Of the hub's repository of files: what was read.", commitHash),
      path: described(
        "The folder, absolute or ~/…; in ~/ itself each gets its own name, beside what is there.",
        text({
          max: 4_096,
          pattern: "^(?:/|~(?:/|$))[^\\u0000]*$",
          why: "is no path on a drone: it is absolute, or begins with ~/",
        }),
      ),
      replace: described(
        "true: remove what no push brought there, too (false).",
        withDefault(yesNo, false),
      ),
      force: described("true: even more than 1,000 such files (false).", withDefault(yesNo, false)),
    },
    ["commit", "path"],
  ),
  describe: ({ commit, path }) => {
    const where = /^~\/*$/.test(path) ? `into ${path}, each under its own name` : `to ${path}`;
    return `would put files ${shortCommit(commit)} ${where}`;
  },
  run: (wanted, { means, host, signal, say }) => {
    if (means.files) return means.files.put({ ...wanted, signal, say });
    throw new PropagitError(
      "TASK_REFUSED",
      `${host.name} is no drone of a hub, and gets no files`,
      {
        hint: "name a `drone` in the task, and have the hub carry the plan out",
      },
    );
  },
  onDroneOnly: true,
  /** Of all files together, over a slow line. */
  timeoutMs: 6 * 60 * 60_000,
  example: { commit: "8f1dd1a2f0d8bbf9c2d1b7f3c1e0a4f6b5d3c2e1", path: "/srv/app/site" },
});
