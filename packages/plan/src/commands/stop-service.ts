/** Stops a service. */
import { object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { act, lookAt, ownWordsTogether, serviceFields, waitFor } from "./kit/service.js";
import { shown } from "./kit/words.js";

export const stopService = defineCommand({
  name: "stop-service",
  summary: "Stops a service that runs, and waits until it has.",
  args: ownWordsTogether(object(serviceFields, ["service"])),
  describe: ({ service }) => `would stop ${shown(service)}, if it runs`,
  async run(args, context) {
    if ((await lookAt(args, context)).state === "stopped") return { outcome: "unchanged" };
    await act("stop", args, context);
    await waitFor("stopped", args, context);
    return { outcome: "done" };
  },
  undo: ({ service, manager, run, sudo }) =>
    run ? [] : [{ command: "start-service", service, manager, sudo }],
  example: { service: "app" },
});
