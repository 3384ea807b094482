/** How running a program on a host fails before, or instead of, its own end. */
import { assert, PropagitError, quote } from "@propagit/protocol";
import type { Executed } from "../command.js";

/** Linux takes 128 KiB in one word of a command line, and ssh makes one of them all. */
export const lineBytesMax = 120_000;

/** @throws TASK_FAILED when no program can have such a name or such arguments */
export function refuseWords(words: readonly string[]): void {
  const [program] = words;
  assert(program !== undefined, "a program has a name");
  if (program === "" || program.startsWith("-") || words.some((word) => word.includes("\0"))) {
    throw new PropagitError("TASK_FAILED", `${quote(program)} is no program that could be run`);
  }
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  if (bytes <= lineBytesMax) return;
  throw new PropagitError(
    "TASK_FAILED",
    `the words of ${quote(program)} have ${bytes} bytes; a command line takes ${lineBytesMax}`,
    { hint: "give them as `input`, or in a file" },
  );
}

export function endedEarly(host: string, [program = ""]: readonly string[]): PropagitError {
  const why = "was ended: its time was over, or the plan was stopped";
  return new PropagitError("TASK_FAILED", `${quote(program)} on ${host} ${why}`);
}

/** @throws HOST_DENIED when it was sudo that did not let it */
export function refuseSudo(host: string, { code, errorOutput }: Executed): void {
  if (code === 0) return;
  const why =
    /^sudo: (a password is required|.* is not allowed to .*|no .* were provided.*)$/m.exec(
      errorOutput,
    )?.[1];
  if (why === undefined) return;
  throw new PropagitError("HOST_DENIED", `sudo on ${host}: ${why}`, {
    hint: "let this user use sudo without a password there: sudo visudo -f /etc/sudoers.d/propagit",
  });
}
