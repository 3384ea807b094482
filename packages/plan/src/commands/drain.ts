/** Takes a machine out of the balancer. */
import { formatDuration, object } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { balance, balanceArgs, balanceFields } from "./kit/balance.js";

export const drain = defineCommand({
  name: "drain",
  summary: "Takes the machine out of the balancer, and waits until nothing is under way to it.",
  args: balanceArgs(object(balanceFields)),
  describe: ({ machine = "this machine" }) => `would send no visitors to ${machine}`,
  run: (args, context) => balance("drain", args, context),
  undo: ({ within, ...part }) => [{ command: "undrain", ...part, within: formatDuration(within) }],
  example: { machine: "fe001", webhook: "http://127.0.0.1:8090/balancer" },
});
