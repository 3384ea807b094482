/** Who may do what over HTTP: the shared secret or a token, as `Authorization: Bearer` or Basic password. */
import {
  isLoopback,
  PropagitError,
  quote,
  verifyToken,
  type Crypto,
  type Peer,
} from "@propagit/protocol";
import { plainHost } from "@propagit/runtime";

export interface HttpSecrets {
  /** The shared secret itself; undefined: everybody who can connect may read and write. */
  readonly secret: string | undefined;
  /** The secret, stretched: what tokens are made from. */
  readonly clusterKey: string | undefined;
}

/**
 * The access of a request with this `Authorization` header.
 *
 * @throws DENIED
 */
export function admitRequest(
  crypto: Crypto,
  { secret, clusterKey }: HttpSecrets,
  authorization: string | undefined,
): Peer["access"] {
  if (secret === undefined || clusterKey === undefined) return "open";
  const given = readAuthorization(authorization);
  if (given === undefined || given === "") {
    throw denied("this registry wants a secret and none was given");
  }
  if (crypto.equal(given, secret)) return "cluster";
  const scope = verifyToken(crypto, clusterKey, given);
  if (scope) return scope;
  throw denied("the secret or token is wrong");
}

/** The secret or token of a header: all of a bearer's, the password of Basic; any user name will do. */
function readAuthorization(header = ""): string | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic": {
      const text = Buffer.from(value, "base64").toString();
      return text.includes(":") ? text.slice(text.indexOf(":") + 1) : undefined;
    }
    default:
      return undefined;
  }
}

/**
 * A page in a browser may send what it likes to a registry on the same machine; browsers say so with
 * an `Origin`, and no other client has one.
 *
 * @throws DENIED
 */
export function refuseBrowsers(origin: string | undefined): void {
  if (origin === undefined) return;
  throw new PropagitError("DENIED", "web pages may not write to the registry", {
    hint: "write from a server, without an Origin header",
  });
}

/**
 * A page may make a browser take this machine's loopback for its own server (DNS rebinding) and read from
 * it; such requests carry the page's host name. Matters where nothing else is asked for: without a secret.
 *
 * @throws DENIED
 */
export function refuseRebinding(host: string | undefined, localAddress: string | undefined): void {
  const name = (host ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (!isLoopback(plainHost(localAddress)) || isLoopback(name)) return;
  throw new PropagitError("DENIED", `${quote(name)} is not a name of this machine's loopback`, {
    hint: "ask as localhost, or start the registry with --host or a secret",
  });
}

function denied(message: string): PropagitError {
  return new PropagitError("DENIED", message, {
    hint: "send the secret or REGISTRY_TOKEN as `Authorization: Bearer …`, or as Basic password",
  });
}
