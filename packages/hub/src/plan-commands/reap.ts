/** What retention does. */
import { described, object, text } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";

export const reap = defineCommand({
  name: "reap",
  summary: "Stops and removes old releases, as their retention says.",
  args: object({ repo: described("The repository (all).", text({ max: 63 })) }),
  describe: ({ repo = "all repositories" }) =>
    `would stop and remove releases of ${repo} that nothing needs any more`,
  run: byHub,
  example: { repo: "webapp" },
});
