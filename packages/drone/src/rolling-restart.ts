/** Restarts instances one after the other, each ready before the next: the call that the hub makes. */
import { toPropagitError, type Params, type Part, type Result } from "@propagit/protocol";
import { within, type Clock } from "@propagit/runtime";
import type { InstanceRunner } from "./instance-runner.js";

type Restart = "drone.restart";

export interface RestartParts {
  readonly clock: Clock;
  readonly instance: (process: string) => InstanceRunner | undefined;
  /** Calls back on every change of an instance, until it is told to stop. */
  readonly onChange: (action: (runner: InstanceRunner) => void) => { stop(): void };
}

/** Added to what an instance's own rules allow it to take. */
const marginMs = 10_000;

/**
 * Ends at the first that does not come back: whatever is wrong with it is wrong with the others too, and
 * they still serve.
 */
export async function restartAll(
  parts: RestartParts,
  { processes }: Params<Restart>,
  signal: AbortSignal,
  onPart: (part: Part<Restart>) => void,
): Promise<Result<Restart>> {
  const failed: Result<Restart>["failed"] = [];
  for (const process of processes) {
    const reason = failed[0] ? `not restarted, as one before it failed` : undefined;
    const why = signal.aborted ? "not restarted: the caller is gone" : reason;
    const result = why ?? (await restartOne(parts, process));
    if (result !== undefined) failed.push({ process, reason: result });
    if (why === undefined) onPart({ process, ready: result === undefined });
  }
  return { failed };
}

/** Why it is not ready again; undefined when it is. */
async function restartOne(parts: RestartParts, process: string): Promise<string | undefined> {
  const runner = parts.instance(process);
  if (!runner) return "there is no such instance here";
  const { rules } = runner.state;
  const endMs = rules.drainMs + 2 * rules.stop.deadlineMs;
  const limitMs = endMs + rules.readyTimeoutMs + marginMs;
  const settled = untilSettled(parts, runner);
  runner.feed({ kind: "restart" });
  try {
    return await within(parts.clock, limitMs, "its restart", settled.reason);
  } catch (thrown) {
    return toPropagitError(thrown).message;
  } finally {
    settled.stop();
  }
}

function untilSettled({ onChange }: RestartParts, runner: InstanceRunner) {
  const { runs } = runner.state;
  let watch = { stop: (): void => undefined };
  const reason = new Promise<string | undefined>((resolve) => {
    watch = onChange((changed) => {
      if (changed !== runner) return;
      const { life, runs: now } = runner.state;
      if (life.kind === "stopped" || life.kind === "stopping") {
        if (life.kind === "stopped" || life.after.kind === "gone")
          resolve("it was stopped meanwhile");
        return;
      }
      if (now === runs && life.kind !== "failed") return;
      if (life.kind === "ready" || life.kind === "done") resolve(undefined);
      if (life.kind === "failed" || life.kind === "restarting") resolve(life.reason);
    });
  });
  return { reason, stop: () => watch.stop() };
}
