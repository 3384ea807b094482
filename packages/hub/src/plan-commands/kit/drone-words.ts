/** Words by which commands say which drones they mean. */
import { described, list, text } from "@propagit/shapes";
import { someOf } from "../../core/some-of.js";

const dronesMax = 100_000;
const namedMax = 5;

export const droneWords = {
  drones: described("Drones by name; default: all that fit.", list(text({ max: 63 }), dronesMax)),
};

export interface DroneWords {
  readonly drones?: readonly string[] | undefined;
}

export function whichDrones(drones: readonly string[] | undefined): string {
  return drones ? someOf(drones, namedMax) : "every drone that fits";
}
