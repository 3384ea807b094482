/** Asks the director, who may break: then somebody must hear of it, and the request is answered all the same. */
import type {
  Answer,
  AttemptFailure,
  Direction,
  Forward,
  RequestView,
  VisitorLife,
} from "../exchange.js";
import type { EngineCore, Refusal } from "./core.js";

/** Undefined: he broke. */
export function askDirector(
  { director, log }: EngineCore,
  request: RequestView,
  visitor: VisitorLife,
): Direction | Promise<Direction | undefined> | undefined {
  const broke = (thrown: unknown): undefined => {
    log.warn(`a request could not be decided: ${wordsOf(thrown)}; it was answered with 500`);
    return undefined;
  };
  try {
    const direction = director.direct(request, visitor);
    return direction instanceof Promise ? direction.catch(broke) : direction;
  } catch (thrown) {
    return broke(thrown);
  }
}

export function askAgain(
  { log }: EngineCore,
  forward: Forward | undefined,
  failure: AttemptFailure,
): Forward | Answer | undefined {
  try {
    return forward?.again?.(failure);
  } catch (thrown) {
    log.warn(`nobody can tell where to send a request again: ${wordsOf(thrown)}`);
    return undefined;
  }
}

export const undecided: Refusal = {
  kind: "broken-director",
  status: 500,
  reason: "nobody can tell where this request belongs",
};

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
