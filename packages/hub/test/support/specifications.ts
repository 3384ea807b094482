/** What a manifest without anything says, and services with every default filled in. */
import type { Service, Specification } from "@propagit/protocol";

export const emptySpecification: Specification = { services: [], routes: [], promote: "always" };

export function service(name: string, changes: Partial<Service> = {}): Service {
  return {
    name,
    command: ["node", `${name}.js`],
    instances: { count: 1, per: "drone" },
    on: [],
    ports: [{ name: "http" }],
    ready: "listen",
    readyTimeoutMs: 30_000,
    stop: { signal: "SIGTERM", deadlineMs: 10_000 },
    restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
    env: {},
    after: [],
    ...changes,
  };
}
