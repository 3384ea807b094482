/** Puts a machine back into the balancer. */
import { formatDuration, object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { balance, balanceArgs, balanceFields } from "./kit/balance.js";

export const undrain = defineCommand({
  name: "undrain",
  summary: "Puts the machine back into the balancer.",
  args: balanceArgs(object(balanceFields)),
  describe: ({ machine = "this machine" }) => `would send visitors to ${machine} again`,
  run: (args, context) => balance("undrain", args, context),
  undo: ({ within, ...part }) => [{ command: "drain", ...part, within: formatDuration(within) }],
  example: { machine: "fe001", webhook: "http://127.0.0.1:8090/balancer" },
});
