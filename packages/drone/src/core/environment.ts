/**
 * The environment of an instance, built from nothing: what the drone happens to have been started with
 * must not decide how an app behaves, and a secret in it must not reach the app.
 *
 * `NODE_ENV` is left out on purpose: a drone started from a developer's shell would otherwise change
 * what runs; say `--env NODE_ENV=production`, or set it for the repository.
 */
import { PropagitError, quote } from "@propagit/protocol";

export type Environment = Readonly<Record<string, string>>;

/** Taken over from the drone's own environment, with everything that begins with `LC_`. */
const inheritedNames: readonly string[] = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
];

/** What the drone itself keeps books by; nothing may contradict it. */
const reservedNames: readonly string[] = [
  "PORT",
  "REPO",
  "COMMIT",
  "RELEASE",
  "ENVIRONMENT",
  "SERVICE",
  "DRONE_ID",
  "PROCESS_ID",
];

/** Where programs are looked for when the drone has no PATH either. */
const pathDefault = "/usr/local/bin:/usr/bin:/bin";

export interface EnvironmentParts {
  /** The drone's own environment; only the allow-list of it is used. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** The checkout; programs of its `node_modules/.bin` come first, as in npm scripts. */
  readonly folder: string;
  /** The address that is published for this machine. */
  readonly host: string;
  /** The first is PORT, the others PORT_<NAME>. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly repo: string;
  readonly commit: string;
  readonly environment: string;
  readonly release: number;
  readonly service: string;
  readonly drone: string;
  readonly process: string;
  /** `host:port` of the registry. */
  readonly registry: string;
  /** Undefined when the registry has no secret. */
  readonly token: string | undefined;
  /** What the manifest and the settings of the environment say. */
  readonly variables: Environment;
  /** What `--env NAME=VALUE` says; the last word. */
  readonly extra: Environment;
}

export function buildEnvironment(parts: EnvironmentParts): Environment {
  const { own, folder, token, variables, extra } = parts;
  const fixed = fixedVariables(parts);
  return {
    ...inherit(own),
    PATH: `${folder}/node_modules/.bin:${own["PATH"] ?? pathDefault}`,
    HOST: parts.host,
    REGISTRY: parts.registry,
    ...(token !== undefined && { REGISTRY_TOKEN: token }),
    ...withoutReserved(variables),
    ...withoutReserved(extra),
    ...fixed,
  };
}

/** @throws BAD_USAGE when a name cannot be a variable, or is one that the drone sets itself */
export function checkExtra(extra: Environment): void {
  for (const [name, value] of Object.entries(extra)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) {
      throw new PropagitError("BAD_USAGE", `${quote(name)} cannot be an environment variable`, {
        hint: "write it like --env NODE_ENV=production",
      });
    }
    if (reservedNames.includes(name)) {
      throw new PropagitError("BAD_USAGE", `--env ${name}=… is not possible: the drone sets it`, {
        hint: `these are set for every instance: ${reservedNames.join(", ")}`,
      });
    }
  }
}

function fixedVariables(parts: EnvironmentParts): Record<string, string> {
  const ports = parts.ports.map(({ name, port }, index) => [
    portVariable(name, index),
    String(port),
  ]);
  return {
    ...(Object.fromEntries(ports) as Record<string, string>),
    REPO: parts.repo,
    COMMIT: parts.commit,
    RELEASE: String(parts.release),
    ENVIRONMENT: parts.environment,
    SERVICE: parts.service,
    DRONE_ID: parts.drone,
    PROCESS_ID: parts.process,
  };
}

/** `PORT`, then for a port named `admin-api`: `PORT_ADMIN_API`. */
function portVariable(name: string, index: number): string {
  return index === 0 ? "PORT" : `PORT_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

/** A worker has no PORT at all: one that somebody else set would lead astray. */
function withoutReserved(variables: Environment): Environment {
  const allowed = Object.entries(variables).filter(([name]) => !reservedNames.includes(name));
  return Object.fromEntries(allowed);
}

function inherit(own: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (inheritedNames.includes(entry[0]) || entry[0].startsWith("LC_")),
  );
  return Object.fromEntries(kept);
}
