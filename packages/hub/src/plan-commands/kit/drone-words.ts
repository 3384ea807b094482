/** Words by which commands say which drones they mean. */
import { described, list, text } from "@propagit/shapes";

const dronesMax = 100_000;
const namedMax = 5;

export const droneWords = {
  drones: described("Drones by name; default: all that fit.", list(text({ max: 63 }), dronesMax)),
};

export interface DroneWords {
  readonly drones?: readonly string[] | undefined;
}

export function whichDrones(drones: readonly string[] | undefined): string {
  if (!drones) return "every drone that fits";
  const more = drones.length > namedMax ? ` and ${drones.length - namedMax} more` : "";
  return `${drones.slice(0, namedMax).join(", ")}${more}`;
}
