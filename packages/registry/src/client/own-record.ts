/** A record that this client wants to be registered, and how far it is. */
import {
  check,
  PropagitError,
  registrationSchema,
  type Endpoint,
  type Registration,
} from "@propagit/protocol";
import { type Deferred, deferred, type PortRange } from "@propagit/runtime";
import { checkMeta, plainRecordHost } from "../core/record.js";
import { parseNamedService } from "../core/service.js";
import type { RegisterOptions } from "../client-api.js";

export interface OwnRecord {
  readonly id: string;
  /** Replaced by `set`, and by another port while the first one is looked for. */
  registration: Registration;
  /** Whether the registry has it, as it is here, under the lease of now. */
  isHeld: boolean;
  /** As the registry answered it last. */
  endpoint: Endpoint | undefined;
  /** Settled by the first registration, and replaced by `set`. */
  awaited: Deferred<Endpoint>;
  /** The port was chosen here: another one does as well, until the first registration. */
  readonly isPortChosen: boolean;
  readonly range: PortRange | undefined;
  /** When somebody else's record was first found in its place; that one may be of a predecessor. */
  occupiedSinceMs: number | undefined;
  /** What the registry last had against it, so that it is said once only. */
  complaint: string | undefined;
}

export interface OwnRecordParts {
  readonly service: string;
  readonly options: RegisterOptions;
  readonly id: string;
  readonly port: number;
}

/** @throws BAD_NAME, BAD_RECORD */
export function ownRecord(parts: OwnRecordParts): OwnRecord {
  const { options, id, port } = parts;
  const { host, commit, meta } = options;
  return {
    id,
    registration: checkRegistration({
      id,
      ...parseNamedService(parts.service),
      port,
      ...(host !== undefined && { host }),
      ...(commit !== undefined && { commit }),
      ...(meta !== undefined && { meta: { ...meta } }),
    }),
    isHeld: false,
    endpoint: undefined,
    awaited: deferred(),
    isPortChosen: options.port === undefined,
    range: options.portRange,
    occupiedSinceMs: undefined,
    complaint: undefined,
  };
}

/**
 * What the registry would refuse is refused here, before there is a connection.
 *
 * @throws BAD_RECORD
 */
export function checkRegistration(registration: Registration): Registration {
  const checked = check(registrationSchema, registration);
  if (!checked.ok) throw new PropagitError("BAD_RECORD", `the record's ${checked.reason}`);
  if (registration.host !== undefined) plainRecordHost(registration.host);
  checkMeta(registration.meta ?? {});
  return registration;
}
