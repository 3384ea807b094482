/** Has a service read its configuration again. */
import { object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { act, ownWordsTogether, serviceFields, waitFor } from "./kit/service.js";
import { shown } from "./kit/words.js";

export const reloadService = defineCommand({
  name: "reload-service",
  summary: "Has a service read its configuration again, and sees that it still runs.",
  args: ownWordsTogether(object(serviceFields, ["service"])),
  describe: ({ service }) => `would reload ${shown(service)}`,
  async run(args, context) {
    await act("reload", args, context);
    await waitFor("running", args, context);
    return { outcome: "done" };
  },
  actsAgain: true,
  example: { service: "app" },
});
