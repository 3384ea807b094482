/** Flags that say how a plan is shown. */
import type { Command } from "commander";

export function withShowFlags(command: Command): Command {
  return command
    .option("--save <file>", "write the plan there, as JSON, to be edited or carried out later")
    .option("--html <file>", "write a page with its timeline there")
    .option("--dump", "print the plan itself, as JSON")
    .option("--json", "print the plan with every default, its hash and its timeline as JSON")
    .option("--all", "every task, however many, with its timeouts and retries");
}
