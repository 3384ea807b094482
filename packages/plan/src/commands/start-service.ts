/** Starts a service. */
import { object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { act, lookAt, ownWordsTogether, serviceFields, waitFor } from "./kit/service.js";
import { shown } from "./kit/words.js";

export const startService = defineCommand({
  name: "start-service",
  summary: "Starts a service that does not run, and waits until it does.",
  args: ownWordsTogether(object(serviceFields, ["service"])),
  describe: ({ service }) => `would start ${shown(service)}, unless it runs`,
  async run(args, context) {
    if ((await lookAt(args, context)).state === "running") return { outcome: "unchanged" };
    await act("start", args, context);
    await waitFor("running", args, context);
    return { outcome: "done" };
  },
  undo: ({ service, manager, run, sudo }) =>
    run ? [] : [{ command: "stop-service", service, manager, sudo }],
  example: { service: "app" },
});
