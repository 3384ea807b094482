/**
 * Changes of who may come, of drones, of what runs beside a release and of certificates, as somebody may ask for
 * them. What no plan may hold is none of it: passwords, keys and values of variables stay with who asks.
 */
import * as Type from "typebox";
import { acmeWish, certificateName, chain, hostsToRenew } from "./certificate-methods.js";
import { environment, reference } from "./hub-params.js";
import { droneTargetSchema } from "./selector.js";
import { count, exact, list, name, text } from "./shape.js";
import { serviceSchema } from "./specification.js";
import { labelsSchema } from "./vocabulary.js";

const repo = text(60);
/** Their names. */
const variables = list(text(128), 1_000);

const releaseOf = { repo, environment, release: Type.Optional(reference) };

export const fleetChanges = [
  /** Who may come with a password, and who no longer. */
  exact({
    kind: Type.Literal("access"),
    repo,
    environment,
    add: Type.Optional(text(200)),
    remove: Type.Optional(text(200)),
  }),
  exact({
    kind: Type.Literal("label"),
    drone: name,
    set: labelsSchema,
    unset: list(name, 64),
  }),
  /** Default: the release that is under way. */
  exact({ kind: Type.Literal("cancel"), repo, environment, release: Type.Optional(count) }),
  exact({
    kind: Type.Literal("spawn"),
    ...releaseOf,
    /** Without the variables of its own. */
    service: serviceSchema,
    variables,
    drones: droneTargetSchema,
    one: Type.Boolean(),
  }),
  /** A command that runs to its end while somebody looks on; nobody else carries such a plan out. */
  exact({
    kind: Type.Literal("run"),
    ...releaseOf,
    service: Type.Optional(name),
    inside: Type.Boolean(),
    drones: droneTargetSchema,
    one: Type.Boolean(),
    command: list(text(16_384), 200),
    variables,
  }),
  /** Its key is not among it. */
  exact({ kind: Type.Literal("certificate-add"), certificate: chain }),
  exact({ kind: Type.Literal("certificate-remove"), name: certificateName }),
  exact({ kind: Type.Literal("certificate-renew"), hosts: hostsToRenew }),
  exact({ kind: Type.Literal("acme"), ...acmeWish }),
] as const;
