/** One drone that somebody names. */
import { PropagitError, quote } from "@propagit/protocol";

/** @throws NO_DRONE */
export function droneCalled<D extends { readonly name: string }>(
  drones: readonly D[],
  name: string,
): D {
  const drone = drones.find((each) => each.name === name);
  if (drone) return drone;
  throw new PropagitError("NO_DRONE", `no drone is called ${quote(name)}`, {
    hint: "see them with `propagit drones`",
  });
}
