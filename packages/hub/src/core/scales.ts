/** Numbers of instances that a user chose, over what the manifest says. */
import type { Specification } from "@propagit/protocol";

/** Services that the manifest does not have any more are left out. */
export function withScales(
  specification: Specification,
  scales: Readonly<Record<string, number>>,
): Specification {
  const services = specification.services.map((service) => {
    const count = Object.hasOwn(scales, service.name) ? scales[service.name] : undefined;
    if (count === undefined) return service;
    return { ...service, instances: { ...service.instances, count } };
  });
  return { ...specification, services };
}
