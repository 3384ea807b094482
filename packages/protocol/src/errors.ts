/**
 * The catalogue of everything that can go wrong and that a user can do something about.
 *
 * An error is a code, a sentence with the values in it (what, which, why) and a hint with the next
 * command to try. The code decides the exit code of a command line and the status of an HTTP answer.
 * `docs/errors.md` lists the same codes; a test keeps both equal.
 */
import { exitCodes, kind, refusal, type ErrorKind } from "./error-kinds.js";
import { planErrors } from "./plan-errors.js";
import { trafficErrors } from "./traffic-errors.js";

export { exitCodes } from "./error-kinds.js";

const { internal, usage, denied, unreachable, notFound, conflict, failed, machine, protocol } =
  exitCodes;

export const errorCatalogue = {
  INTERNAL: kind(
    internal,
    500,
    "something that cannot happen happened",
    "please report it with the log around it",
  ),
  BAD_USAGE: kind(
    usage,
    400,
    "a flag, argument or command is wrong or missing",
    "see `propagit help`",
  ),
  BAD_NAME: kind(
    usage,
    400,
    "a repository, service, drone or label name is not allowed",
    "use letters, digits, `.`, `_` and `-`",
  ),
  BAD_PATTERN: kind(
    usage,
    400,
    "a registry query, a label selector or a regular expression cannot be read",
    "write queries like `http@^1.2`, selectors like `role=web, !gpu`, expressions like `/^web-/`",
  ),
  BAD_MANIFEST: kind(
    usage,
    400,
    "propagit.yaml or a Procfile says something that cannot be",
    "see it with `propagit check`",
  ),
  BAD_SETTING: kind(
    usage,
    400,
    "a setting cannot be an environment variable, or propagit sets it itself",
    "use letters, digits and `_`, beginning with a letter",
  ),
  BAD_RECORD: kind(
    usage,
    400,
    "a registration has a wrong or missing field",
    "see docs/registry.md for the fields",
  ),
  DENIED: kind(
    denied,
    401,
    "the secret is wrong or missing",
    "give the hub's secret with --secret, PROPAGIT_SECRET or PROPAGIT_SECRET_FILE",
  ),
  UNPROVEN: kind(
    denied,
    401,
    "the other side could not prove that it knows the secret",
    "check that address and secret belong to the same hub; nothing was sent to it",
  ),
  NOT_OWNER: kind(
    denied,
    403,
    "a record or lease belongs to somebody else",
    "only the owner of a lease renews, changes or frees what it holds",
  ),
  UNREACHABLE: kind(
    unreachable,
    503,
    "nobody answers at the address of the hub or registry",
    "check that it runs and that this is its address",
  ),
  TIMED_OUT: kind(
    unreachable,
    504,
    "an answer did not come within its bound",
    "try again; `propagit ps` shows what is running",
  ),
  LINK_LOST: kind(
    unreachable,
    503,
    "the connection ended before the answer came",
    "try again; what was accepted goes on without you, see `propagit ps`",
  ),
  NO_REPO: kind(
    notFound,
    404,
    "the hub has no repository of that name",
    "push it first: git push http://HUB:PORT/NAME BRANCH",
  ),
  NO_COMMIT: kind(
    notFound,
    404,
    "the repository has no such commit, branch or tag",
    "push it first, or look with `git log`",
  ),
  NOT_DEPLOYED: kind(
    notFound,
    404,
    "the commit is not deployed",
    "deploy it first: propagit deploy REPO COMMIT",
  ),
  NO_DRONE: kind(
    notFound,
    409,
    "there is no drone to deploy to",
    "start one: propagit drone --hub=HUB --secret=… -- node web.js",
  ),
  NO_SERVICE: kind(
    notFound,
    404,
    "nothing says what to run, or a service is named that is not there",
    "write a propagit.yaml (`propagit init`), or start a drone with a command: propagit drone -- CMD",
  ),
  NO_PLACE: kind(
    notFound,
    404,
    "no drone that is there fits what a service, task or command asks for",
    "see names and labels with `propagit drones`",
  ),
  NO_RELEASE: kind(
    notFound,
    404,
    "there is no such release, or none to go back to",
    "see them with `propagit releases REPO`",
  ),
  NO_INSTANCE: kind(notFound, 404, "no instance fits", "see them with `propagit ps`"),
  NO_ARTIFACT: kind(
    notFound,
    404,
    "no artifact that anybody takes part in begins with that, or brings such a commit",
    "see them with `propagit swarm`",
  ),
  NO_REMOTE: kind(notFound, 404, "no hub has this name here", "see them with `propagit remote ls`"),
  NO_RECORD: kind(
    notFound,
    404,
    "the registry has no such record",
    "list what there is: registry show",
  ),
  NO_LEASE: kind(
    notFound,
    404,
    "the lease has ended or never was",
    "register again to get a new one",
  ),
  BAD_REQUEST: kind(
    protocol,
    400,
    "a request to the proxy is not HTTP, or can be read in two ways",
    "send it with an ordinary HTTP client",
  ),
  AMBIGUOUS: kind(
    conflict,
    409,
    "a commit prefix fits several commits",
    "write more characters of it",
  ),
  PORT_TAKEN: kind(
    conflict,
    409,
    "another record holds that host and port",
    "register without a port to get a free one",
  ),
  DRONE_TAKEN: kind(
    conflict,
    409,
    "a drone with the same identity is connected already",
    "give each drone its own data folder with --data",
  ),
  RELAY_LOOP: kind(
    conflict,
    409,
    "relays lead to one another in a circle, or too many are one behind the other",
    "start one of them with the hub's own address: propagit relay --hub=HUB:PORT",
  ),
  HUB_CHANGED: kind(
    conflict,
    409,
    "a drone that runs instances meets another hub at the same address",
    "give the hub its old data folder, or end the drone and start it again to follow the new hub",
  ),
  STILL_ROUTED: kind(
    conflict,
    409,
    "a commit that visitors are routed to was to be stopped",
    "promote another commit first, or add --force",
  ),
  CHANGED_MEANWHILE: kind(
    conflict,
    409,
    "somebody else changed the same thing at the same time",
    "look at it and try again",
  ),
  SUPERSEDED: kind(
    conflict,
    409,
    "a release was replaced by a newer one before it began",
    "see the newer one with `propagit releases REPO`",
  ),
  EXISTS: kind(conflict, 409, "a file or name is there already", "use another, or --force"),
  DEPLOY_FAILED: kind(
    failed,
    500,
    "at least one drone did not get the commit ready",
    "see the reason beside each drone; fix it, push and deploy again",
  ),
  BUILD_FAILED: kind(
    failed,
    500,
    "the build command of a release failed; what ran goes on running",
    "mend it and push again; its output: `propagit release show REPO N`",
  ),
  TEST_FAILED: kind(
    failed,
    500,
    "the test command of a release failed; what ran goes on running",
    "mend it and push again; its output: `propagit release show REPO N`",
  ),
  RELEASE_FAILED: kind(
    failed,
    500,
    "the release command of a release failed or was interrupted; it is not run again by itself",
    "look at what it did so far, then deploy again",
  ),
  CANCELLED: kind(failed, 409, "a release was cancelled", "deploy again when you like"),
  CERTIFICATE_FAILED: kind(
    failed,
    502,
    "a certificate authority cannot be reached, refuses, or does not believe that a host is ours",
    "see `propagit certificates ls`, and docs/tls.md for what it needs",
  ),
  COMMAND_FAILED: kind(
    failed,
    500,
    "a command could not be run on a drone",
    "see `propagit drones` and `propagit ps`",
  ),
  STOP_FAILED: kind(
    failed,
    500,
    "at least one drone did not stop in time what it was to stop, or is not drained",
    "look with `propagit ps` and try again",
  ),
  FILES_REFUSED: refusal(
    conflict,
    409,
    "a drone will not touch the destination of a push of files",
    "see what is there with `propagit files push --dry-run`, or give a destination of its own",
  ),
  FILES_FAILED: kind(
    failed,
    500,
    "files did not get to at least one drone",
    "see the reason beside each drone; the same push again does what is missing",
  ),
  PORT_IN_USE: kind(
    machine,
    500,
    "the port to listen on is taken by another process",
    "choose another --port, or end the process that holds it",
  ),
  NO_FREE_PORT: kind(machine, 500, "no port of the range is free", "widen it with --port-range"),
  DATA_UNUSABLE: kind(
    machine,
    500,
    "the data folder cannot be written, or is damaged",
    "check its owner, its mode and the free space, or give another with --data",
  ),
  DATA_IN_USE: kind(
    machine,
    500,
    "another process works in the same data folder",
    "give each its own with --data",
  ),
  DISK_LOW: kind(
    machine,
    507,
    "a drone's disk has no room for a release",
    "free some, or see what retention would remove: propagit reap --dry-run",
  ),
  PACK_UNUSABLE: kind(
    machine,
    500,
    "a pack that came in pieces is damaged, or does not bring its commit",
    "the drone fetches it with git by itself; look at the hub's disk if it happens again",
  ),
  NO_LIMIT: kind(
    machine,
    500,
    "a machine cannot enforce a limit that a service asks for",
    "leave the limit out, or say `otherwise: warn`",
  ),
  NO_GIT: kind(machine, 500, "git cannot be run", "install git 2.30 or newer"),
  BAD_FRAME: kind(
    protocol,
    400,
    "the other side sent something that is not of the protocol",
    "check that both sides run the same version of propagit",
  ),
  BAD_VERSION: kind(
    protocol,
    400,
    "the other side speaks another version of the protocol",
    "update the older side",
  ),
  TOO_LARGE: kind(protocol, 413, "a frame or body is over its size limit", "send less at once"),
  OVERLOADED: kind(unreachable, 503, "a bounded queue is full", "try again in a moment"),
  ...trafficErrors,
  ...planErrors,
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Longest texts of an error that travels; longer ones are cut, or their frame would be refused. */
export const errorTextMax = { messageChars: 16_384, hintChars: 1_024 } as const;

/** An error as it travels in frames and JSON answers. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/**
 * An error that can happen, from the catalogue.
 *
 * @example
 * throw new PropagitError("NO_REPO", "the hub has no repository `webap`", { hint: "did you mean `webapp`?" });
 */
export class PropagitError extends Error {
  override readonly name = "PropagitError";
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? errorCatalogue[code].hint;
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: cut(this.message, errorTextMax.messageChars),
      hint: cut(this.hint, errorTextMax.hintChars),
    };
  }

  static fromData(data: ErrorData): PropagitError {
    return new PropagitError(data.code, data.message, { hint: data.hint });
  }
}

/** Whether it is no use to ask the same again by oneself: with the same words, in the same state, it is refused. */
export function isRefusal(code: unknown): boolean {
  return isErrorCode(code) && errorCatalogue[code].isRefusal;
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}

/** Any thrown value as a catalogue error: known ones pass, everything else becomes `INTERNAL`. */
export function toPropagitError(thrown: unknown): PropagitError {
  if (thrown instanceof PropagitError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const error = new PropagitError("INTERNAL", message, { cause: thrown });
  // Where it came from is of use, where it was noticed is not.
  if (thrown instanceof Error && thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
}

/** States what cannot be otherwise; stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`cannot happen: ${message}`);
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
}
