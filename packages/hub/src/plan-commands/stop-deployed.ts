/** The end of what runs. */
import { described, object, withDefault, yesNo } from "@propagit/shapes";
import { neededPlace, placeCommand, placeWords } from "./kit/place-words.js";

const force = described(
  "Also when visitors are routed to it; its share goes to the others (false).",
  withDefault(yesNo, false),
);

export const stopDeployed = placeCommand({
  name: "stop",
  summary: "Stops a commit or release on every drone.",
  args: object({ ...placeWords, force }, neededPlace),
  would: (what) => `would stop ${what} on every drone`,
});
