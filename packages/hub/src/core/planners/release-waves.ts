/** In which order drones get a release: the drones that fit, in the waves that were asked for. */
import { matchesSelector, PropagitError, type Specification } from "@propagit/protocol";
import type { WavesWish } from "@propagit/protocol";
import { wavesOf, type WaveBy } from "@propagit/plan";
import type { PlannerDrone } from "./planner-view.js";
import type { ReleaseWave } from "./release-plan.js";

/**
 * Nothing when all get it at once.
 *
 * @param drones all that did not end
 * @throws BAD_PLAN when it cannot be done like that
 */
export function releaseWaves(
  drones: readonly PlannerDrone[],
  { services }: Pick<Specification, "services">,
  { by, canary, force = false }: WavesWish,
): readonly ReleaseWave[] {
  if (by.kind === "once" && canary === undefined) return [];
  const fitting = drones.filter(
    ({ labels, draining, ownCommand }) =>
      !draining && (ownCommand || services.some(({ on }) => matchesSelector(on, labels))),
  );
  const rules = { by: ruleOf(by, force), ...(canary !== undefined && { canary }) };
  const waves = wavesOf(fitting, rules);
  if (waves.kind === "refused") throw refused(waves.why, canary);
  return waves.waves.map(({ name, drones: own }) => ({
    name,
    drones: own.map((drone) => drone.name),
  }));
}

function ruleOf(by: WavesWish["by"], force: boolean): WaveBy {
  switch (by.kind) {
    case "once":
      return by;
    case "label":
      return { ...by, order: [] };
    case "percent":
      return { kind: "percent", steps: risingTo100(by.steps) };
    case "min-up":
      return { ...by, force };
    default:
      return by satisfies never;
  }
}

/** Whoever says `5,25` means the rest, too. */
function risingTo100(steps: readonly number[]): readonly number[] {
  const rising = [...new Set(steps)].sort((left, right) => left - right);
  return rising.at(-1) === 100 ? rising : [...rising, 100];
}

function refused(why: string, canary: string | undefined): PropagitError {
  const hint =
    canary !== undefined && why.includes(canary)
      ? "see which drones fit: propagit drones"
      : "let fewer stay up, add a drone, or replace them one by one with --force";
  return new PropagitError("BAD_PLAN", `these waves are not possible: ${why}`, { hint });
}
