/** Who may come with a password; the password itself is in no plan. */
import { described, object, text } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { placeWords } from "./kit/place-words.js";

const { repo, environment } = placeWords;
const userCharsMax = 200;

export const changeAccess = defineCommand({
  name: "change-access",
  summary:
    "Gives somebody access to a repository with a password, which is with who asks and in no plan, or takes it away.",
  args: object(
    {
      repo,
      environment,
      add: described("Who gets a password, or another one.", text({ max: userCharsMax })),
      remove: described("Who has access no longer.", text({ max: userCharsMax })),
    },
    ["repo"],
  ),
  describe: ({ repo: to, add, remove }) => {
    const parts = [
      ...(remove === undefined ? [] : [`take access to ${to} from ${remove}`]),
      ...(add === undefined ? [] : [`give ${add} access to ${to} with a password`]),
    ];
    return `would ${parts.join(" and ") || "change nothing"}`;
  },
  run: byHub,
  example: { repo: "webapp", remove: "ann" },
});
