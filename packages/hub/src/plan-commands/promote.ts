/** Where visitors go. */
import { object } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { examplePlace, namedPlace, placeWords } from "./kit/place-words.js";

export const promote = defineCommand({
  name: "promote",
  summary:
    "Sends all visitors of a repository to a commit or release that is ready; others keep running.",
  args: object(placeWords, ["repo", "ref"]),
  describe: (words) => `would send all visitors to ${namedPlace(words)}`,
  run: byHub,
  example: examplePlace,
});
