/** A service made out of a command line, with the defaults that a manifest gives it. */
import { assert, type Service } from "@propagit/protocol";
import { readManifest, specificationOf } from "@propagit/manifest";

export interface SpawnedService {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** It never listens. */
  readonly worker: boolean;
}

/** @throws BAD_MANIFEST when it cannot be a service */
export function spawnedService({ name, command, env, worker }: SpawnedService): Service {
  const service = { command, env, ...(worker && { port: "none" }) };
  // JSON is YAML: so it is checked, and filled up, by the same rules as any service.
  const manifest = JSON.stringify({ services: { [name]: service } });
  const files = new Map([["propagit.yaml", manifest]]);
  const [only] = specificationOf(readManifest(files), "production").services;
  assert(only, "a manifest with one service has one");
  return only;
}
