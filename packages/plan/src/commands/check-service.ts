/** Waits until a service runs, or does not. */
import { choice, described, object, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { checkFields, waitFor } from "./kit/service.js";
import { shown } from "./kit/words.js";

export const checkService = defineCommand({
  name: "check-service",
  summary: "Waits until a service runs, or has stopped; says every 30 s how it is.",
  args: object(
    {
      ...checkFields,
      state: described(
        "What is wanted (running).",
        withDefault(choice("running", "stopped"), "running"),
      ),
    },
    ["service"],
  ),
  describe: ({ service, state }) => `would wait until ${shown(service)} is ${state}`,
  run: (args, context) => waitFor(args.state, args, context),
  needsNoUndo: true,
  example: { service: "app", state: "running" },
});
