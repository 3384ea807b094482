/** ^C, and its exit code. */

/** 128 and the signal's number, as shells have it. */
export const interruptedExitCode = 130;

/** Calls `action` at the first ^C; the second one ends the process by itself. Returns how to take it back. */
export function onInterrupt(action: () => void): () => void {
  process.once("SIGINT", action);
  return () => process.off("SIGINT", action);
}

/** For commands that print until ^C: that is how they end, without a word. */
export function endOnInterrupt(): void {
  onInterrupt(() => process.exit(interruptedExitCode));
}
