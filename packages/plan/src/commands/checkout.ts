/** The files of a commit on a drone, in a folder of their own. */
import { shortCommit } from "@propagit/protocol";
import { described, object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { commitFields, commitsOf } from "./distribute.js";
import { placeOn } from "./kit/script.js";
import { hostPath, shown } from "./kit/words.js";

export const checkout = defineCommand({
  name: "checkout",
  summary: "Makes a folder with exactly the files of a commit, whole or not at all.",
  args: object(
    {
      ...commitFields,
      path: described(
        "The folder, which may not be there yet, or is empty; folders above it are made (among the drone's own commits, as `distribute`).",
        hostPath,
      ),
    },
    ["repo", "commit"],
  ),
  describe: ({ repo, commit, path }) => {
    const where = path === undefined ? "" : ` to ${shown(path)}`;
    return `would check ${repo} ${shortCommit(commit)} out${where}`;
  },
  async run({ repo, commit, path }, context) {
    const commits = commitsOf(context);
    const wanted = { repo, commit, signal: context.signal };
    if (path === undefined) return commits.distribute(wanted);
    return commits.checkOut(wanted, await placeOn(context, path));
  },
  onDroneOnly: true,
  example: {
    repo: "shop",
    commit: "8f1dd1a2f0d8bbf9c2d1b7f3c1e0a4f6b5d3c2e1",
    path: "/srv/app/releases/7",
  },
});
