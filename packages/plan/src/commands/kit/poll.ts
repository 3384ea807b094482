/** Looking again and again until something is so, within a time of the command's own. */
import { PropagitError } from "@propagit/protocol";
import { sleep } from "@propagit/runtime";
import type { CommandContext, CommandEnd } from "../../command.js";

export interface Poll {
  readonly withinMs: number;
  readonly everyMs: number;
  /** Looks once; it says how things are, and whether that is what is wanted. */
  readonly look: () => Promise<PollView>;
}

export interface PollView {
  readonly isSo: boolean;
  /** In a sentence: `nginx is activating`. */
  readonly why: string;
}

/** How long nothing is said. */
const noteMs = 30_000;

/** `unchanged` when it was so at once. @throws TASK_FAILED with how it was in the end */
export async function pollUntil(
  { clock, signal, say }: Pick<CommandContext, "clock" | "signal" | "say">,
  { withinMs, everyMs, look }: Poll,
): Promise<CommandEnd> {
  const begun = clock.monotonic();
  let notedAt = begun;
  for (let looks = 1; ; looks++) {
    const { isSo, why } = await look();
    const now = clock.monotonic();
    if (isSo) return { outcome: looks === 1 ? "unchanged" : "done" };
    const left = begun + withinMs - now;
    if (left <= 0) {
      throw new PropagitError("TASK_FAILED", `${why}, after ${Math.round(withinMs / 1_000)} s`);
    }
    if (now - notedAt >= noteMs) {
      notedAt = now;
      say(`${why}, after ${Math.round((now - begun) / 1_000)} s`);
    }
    await sleepUnless(clock, Math.min(everyMs, left), signal);
    if (signal.aborted) throw new PropagitError("TASK_FAILED", `${why}, and it was ended`);
  }
}

async function sleepUnless(
  clock: CommandContext["clock"],
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  let onAbort: () => void = () => undefined;
  const abort = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) resolve();
  });
  await Promise.race([sleep(clock, delayMs), abort]);
  signal.removeEventListener("abort", onAbort);
}
