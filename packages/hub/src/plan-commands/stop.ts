/** The end of what runs. */
import { described, object, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { examplePlace, namedPlace, placeWords } from "./kit/place-words.js";

export const stopDeployed = defineCommand({
  name: "stop",
  summary: "Stops a commit or release on every drone.",
  args: object(
    {
      ...placeWords,
      force: described(
        "Also when visitors are routed to it; its share goes to the others (false).",
        withDefault(yesNo, false),
      ),
    },
    ["repo", "ref"],
  ),
  describe: (words) => `would stop ${namedPlace(words)} on every drone`,
  run: byHub,
  example: examplePlace,
});
