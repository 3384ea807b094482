/** The part of the error catalogue that is about plans: what they say, and where their runs stand. */
import { exitCodes, kind, refusal, type ErrorKind } from "./error-kinds.js";

const { usage, denied, unreachable, notFound, conflict, failed } = exitCodes;

export const planErrors = {
  BAD_PLAN: kind(
    usage,
    400,
    "a plan says something that cannot be",
    "docs/plans.md says what can be written; look at it without carrying it out: propagit plan FILE",
  ),
  BAD_TARGET: kind(
    usage,
    400,
    "a target means no drones, leads to itself or is not defined",
    "see what they mean with `propagit targets`; docs/targets.md says how they are written",
  ),
  BAD_CONFIG: kind(
    usage,
    400,
    "a configuration, or a propagit.config with commands and generators, says something that cannot be",
    "look at it with `propagit config verify` and `propagit config show`; docs/config.md says what can be written",
  ),
  NO_PLAN: kind(
    notFound,
    404,
    "no plan that is carried out, or was, has an id that begins like that",
    "see them with `propagit plans`",
  ),
  PLAN_MOVED: kind(
    conflict,
    409,
    "what a plan was made from has changed since",
    "see the difference, and plan anew: propagit apply FILE --rebase",
  ),
  NOT_NOW: kind(
    conflict,
    409,
    "what is asked of a plan makes no sense as it stands: it is over, not paused, waits for something else",
    "see where it stands: propagit plans status ID",
  ),
  HOST_LOST: kind(
    unreachable,
    503,
    "a host of a task cannot be reached by ssh, or its connection broke",
    "see whether this works: ssh HOST true",
  ),
  HOST_DENIED: kind(
    denied,
    403,
    "a host of a task lets nobody in without a question, shows another key, or sudo asks for a password",
    "make this work without a question: ssh HOST true",
  ),
  TASK_REFUSED: refusal(
    conflict,
    409,
    "a task will not touch what it was to change: it is guarded, in the way, or no work of its kind",
    "look at it on the host; docs/commands.md says what each command refuses",
  ),
  TASK_FAILED: kind(
    failed,
    500,
    "a task of a plan did not do what it should",
    "see its last lines of output: propagit plans status ID",
  ),
} as const satisfies Record<string, ErrorKind>;
