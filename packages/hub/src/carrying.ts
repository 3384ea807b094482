/** A part that is being carried out, as those who follow it see it. */
import type { Params } from "@propagit/protocol";
import type { TaskCall } from "@propagit/plan";
import type { HeardPart } from "./part-log.js";

export type Wish = Params<"drone.delegate-wish">["wish"];

export interface Carrying {
  readonly by: string;
  readonly asked: Asked;
  /** Aborted when nobody follows it any more. */
  readonly over: AbortSignal;
  readonly call: TaskCall;
}

/** Of which a relay hands another part on. */
export interface UpperPart {
  readonly heard: HeardPart;
  /** Aborted when it is over, and all of it was heard. */
  readonly over: AbortSignal;
}

export interface Asked {
  readonly wish: Wish;
  listen(listener: () => void): { stop(): void };
  stop(): void;
}
