/** In which order drones get a release. */
import {
  isRising,
  parseDroneName,
  parseWaveLabel,
  parseWavePercent,
  PropagitError,
  quote,
  type WavesWish,
} from "@propagit/protocol";
import type { Command } from "commander";
import { asFlag, parseWhole } from "../flags.js";
import { parseDurationMs } from "../traffic-flags.js";

export interface WaveFlags {
  readonly waves?: WavesWish["by"];
  readonly canaryDrone?: string;
  readonly minUp?: number;
  readonly waveAfter?: number;
  readonly force?: boolean;
}

const minUpMax = 1_000_000;
/** Of percentages; the bound of the frames. */
const stepsMax = 50;

export function withWaveFlags(command: Command): Command {
  return command
    .option(
      "--waves <how>",
      "drones one after the other: `zone`, `label:KEY`, parts of them such as `5,25,100`, or `once` (default: as the manifest says)",
      asFlag(parseWaves),
    )
    .option("--canary-drone <name>", "this drone alone, before all others", asFlag(parseDroneName))
    .option(
      "--min-up <n>",
      "so many drones are left alone while others get it",
      asFlag((text) => parseWhole(text, 0, minUpMax)),
    )
    .option(
      "--wave-after <duration>",
      "time between the end of a wave and the next one: `10m`",
      asFlag(parseDurationMs),
    )
    .option("--force", "one drone at a time when --min-up, or a service's minUp, is not possible");
}

/** @throws BAD_USAGE when both ways are said */
export function wavesOf({ waves, canaryDrone, minUp, waveAfter, force }: WaveFlags): {
  waves?: WavesWish;
} {
  if (waves !== undefined && minUp !== undefined) {
    throw new PropagitError(
      "BAD_USAGE",
      "both --waves and --min-up say which drones come together",
      {
        hint: "say one of them",
      },
    );
  }
  const by = minUp === undefined ? waves : ({ kind: "min-up", minUp } as const);
  const isSaid = by ?? canaryDrone ?? waveAfter;
  if (isSaid === undefined && !force) return {};
  return {
    waves: {
      ...(by && { by }),
      ...(canaryDrone !== undefined && { canary: canaryDrone }),
      ...(waveAfter !== undefined && { afterMs: waveAfter }),
      ...(force && { force }),
    },
  };
}

/** @throws BAD_USAGE */
function parseWaves(text: string): WavesWish["by"] {
  if (text === "once") return { kind: "once" };
  const label = parseWaveLabel(text);
  if (label) return label;
  const steps = text.split(",").map(parseWavePercent);
  if (steps.every((step) => step !== undefined)) {
    refuseSteps(text, steps);
    return { kind: "percent", steps };
  }
  throw new PropagitError("BAD_USAGE", `${quote(text)} does not say which drones come together`, {
    hint: "write `zone`, `label:KEY`, percentages such as `5,25,100`, or `once`",
  });
}

/** As the manifest takes them. @throws BAD_USAGE */
function refuseSteps(text: string, steps: readonly number[]): void {
  if (isRising(steps) && steps.length <= stepsMax) return;
  const why = isRising(steps) ? `are more than ${stepsMax}` : "do not rise";
  throw new PropagitError("BAD_USAGE", `the percentages ${quote(text)} ${why}`, {
    hint: "write them like --waves 5,25,100",
  });
}
