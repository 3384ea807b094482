/** Starts a service anew. */
import { object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { act, ownWordsTogether, serviceFields, waitFor } from "./kit/service.js";
import { shown } from "./kit/words.js";

export const restartService = defineCommand({
  name: "restart-service",
  summary: "Restarts a service, running or not, and waits until it runs.",
  args: ownWordsTogether(object(serviceFields, ["service"])),
  describe: ({ service }) => `would restart ${shown(service)}`,
  async run(args, context) {
    await act("restart", args, context);
    await waitFor("running", args, context);
    return { outcome: "done" };
  },
  actsAgain: true,
  example: { service: "app" },
});
