/** Says something: the seed's first command. */
import { described, object, text } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";

export const message = defineCommand({
  name: "message",
  summary: "Says something, and does nothing.",
  args: object({ message: described("What is said.", text({ max: 4_000 })) }, ["message"]),
  describe: ({ message: said }) => `would say: ${said}`,
  run: async ({ message: said }, { say }) => {
    for (const line of said.split("\n")) say(line);
    return { outcome: "done" };
  },
  actsAgain: true,
  needsNoUndo: true,
  example: { message: "Hello World" },
});
