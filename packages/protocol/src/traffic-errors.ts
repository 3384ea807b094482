/** The part of the error catalogue that is about visitors: where they are sent, by which rules, and why not. */
import { exitCodes, kind, type ErrorKind } from "./error-kinds.js";

const { usage, denied, unreachable, notFound, conflict, failed } = exitCodes;

export const trafficErrors = {
  BAD_WEIGHT: kind(
    usage,
    400,
    "a share of a split is not a number above 0, or the shares name no commit or one twice",
    "write it like `propagit split webapp 74336bc=90 40548da=10`",
  ),
  BAD_RULE: kind(
    usage,
    400,
    "a rule of traffic, a host name or an experiment cannot be as it was given",
    "docs/manifest.md says what rules there are, docs/traffic.md what is said by hand",
  ),
  BAD_CERTIFICATE: kind(
    usage,
    400,
    "a certificate or its key cannot be used: unreadable, without a host, or not belonging together",
    "look at it: openssl x509 -in CERT.pem -noout -text; see docs/tls.md",
  ),
  NO_RULE: kind(
    notFound,
    404,
    "no host name, user or experiment of that name was said by hand",
    "see them with `propagit route show REPO`",
  ),
  NO_CERTIFICATE: kind(
    notFound,
    404,
    "the hub has no such certificate, or nothing was set up that gives one",
    "see them with `propagit certificates ls`",
  ),
  NO_ROUTE: kind(
    notFound,
    404,
    "no route for that host name",
    "deploy the repository first; `propagit ps` shows the names",
  ),
  NO_ENDPOINT: kind(
    unreachable,
    503,
    "a commit has no endpoint that visitors could be sent to",
    "`propagit ps` shows how far its instances are",
  ),
  APP_FAILED: kind(
    unreachable,
    502,
    "an endpoint could not be connected to, or broke off before it answered",
    "`propagit ps` shows whether the instance runs and why it stopped",
  ),
  HOST_TAKEN: kind(
    conflict,
    409,
    "a host name and path lead somewhere else already",
    "take it away there first: propagit route rm HOST/PATH REPO",
  ),
  NOT_SEEN: kind(
    conflict,
    409,
    "no proxy knows an endpoint of what was to get visitors, so nobody was sent there",
    "see `propagit proxies` and `propagit ps`, and try again",
  ),
  NO_ROLLOUT: kind(
    conflict,
    409,
    "there is no rollout by steps that could be changed like that",
    "see `propagit rollout status REPO`",
  ),
  ROLLOUT_RUNNING: kind(
    conflict,
    409,
    "a rollout by steps of that commit is under way already, and not as was asked for now",
    "leave the flags out to look on, or first: propagit rollout abort REPO",
  ),
  ROLLOUT_ENDED: kind(
    failed,
    500,
    "a rollout by steps came to another end than all visitors going to the new commit",
    "see the reason; the visitors are where they were before, and the commit still runs beside",
  ),
  FORBIDDEN: kind(
    denied,
    403,
    "a host takes no visitors from this address",
    "come from a network that may: propagit route show REPO lists them",
  ),
  UNAUTHORIZED: kind(
    denied,
    401,
    "a host asks for a name and a password, and these are not right",
    "ask who gave you the address for a name and a password",
  ),
  TOO_MANY: kind(
    unreachable,
    429,
    "more requests came than a rule of the host allows",
    "try again after the seconds that Retry-After says",
  ),
  PAUSED: kind(
    unreachable,
    503,
    "visitors of an environment are held, and it was not resumed in time",
    "let them go on: propagit resume REPO",
  ),
} as const satisfies Record<string, ErrorKind>;
