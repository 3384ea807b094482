/** What an instance can be, what can happen to it, and what is to be done then: see `instance.ts`. */

export interface InstanceIdentity {
  /** PROCESS_ID: names the instance, stays the same when its process is restarted. */
  readonly process: string;
  readonly repo: string;
  readonly commit: string;
  readonly service: string;
}

export interface InstanceRules {
  /** It never listens; it is ready when it has lived for `workerReadyMs`. */
  readonly worker: boolean;
  /** From the start of a process until it must be ready. */
  readonly readyTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  /** From the end of the records to SIGTERM, so that whoever just read them still gets an answer. */
  readonly drainMs: number;
}

/** How long a worker must live to count as ready. A guess: most mistakes show sooner. */
export const workerReadyMs = 1_000;
/** Crashes in a row, before it was ever ready, that make it `failed`. */
export const crashesMax = 3;
export const restartBackoff = { firstMs: 1_000, maxMs: 60_000 } as const;
/** Bound on reading the last lines of a process that did not become ready. */
export const readOutputMsMax = 1_000;
/** Bound on telling the registry that records end; then the process is ended all the same. */
export const freeMsMax = 2_000;

/** A record of the registry by which the app announced itself. */
export interface Announced {
  readonly service: string;
  readonly port: number;
}

/** The process of an instance, from the moment it is asked for until nothing of its group is left. */
export interface Run {
  /** Counts the starts of this instance; what is heard of an earlier run does not matter any more. */
  readonly number: number;
  /** Undefined while it is being started. */
  readonly pid: number | undefined;
  /** Something accepts connections on PORT. */
  readonly isOpen: boolean;
  /** The record that the drone makes for it. */
  readonly record: "none" | "wanted" | "held";
  /** Records that the app made itself; once there was one, the drone makes none. */
  readonly announced: readonly Announced[];
  readonly announcesItself: boolean;
}

export type StopStage = "launching" | "freeing" | "draining" | "terminating" | "killing";

export type InstanceLife =
  | { readonly kind: "waiting" }
  | { readonly kind: "fetching" }
  | { readonly kind: "checking-out" }
  | {
      readonly kind: "starting";
      /** Undefined until the process is there. */
      readonly deadline: number | undefined;
      /** The time is over; only its last lines are still read, to be told with the failure. */
      readonly isLate: boolean;
    }
  | { readonly kind: "ready"; readonly readyAt: number }
  | {
      readonly kind: "restarting";
      readonly retryAt: number;
      readonly reason: string;
      readonly lastLines: readonly string[];
    }
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly lastLines: readonly string[];
      /** What is tried again; `readiness` means that the process lives and may still become ready. */
      readonly next: "fetch" | "start" | "readiness";
      readonly retryAt: number | undefined;
    }
  | { readonly kind: "stopping"; readonly stage: StopStage; readonly until: number | undefined }
  | { readonly kind: "stopped" };

export interface InstanceState {
  readonly identity: InstanceIdentity;
  readonly rules: InstanceRules;
  readonly life: InstanceLife;
  /** When that phase of life began, in ms since 1970. */
  readonly since: number;
  readonly run: Run | undefined;
  /** Starts so far, also those that did not work. */
  readonly runs: number;
  /** PORT, kept over restarts. */
  readonly port: number | undefined;
  readonly restarts: number;
  /** Crashes since it was last ready for a while. */
  readonly crashes: number;
  /** Tries in a row that did not even get as far as a process. */
  readonly failures: number;
  readonly wasReady: boolean;
}

export type InstanceEvent =
  | { readonly kind: "start" }
  /** Somebody deployed again: what failed is tried at once. */
  | { readonly kind: "retry" }
  | { readonly kind: "stop" }
  /** Time passed; due when `wakeAt` says so. */
  | { readonly kind: "tick" }
  | { readonly kind: "fetched" }
  | { readonly kind: "checked-out" }
  /** Fetching or checking out did not work. */
  | { readonly kind: "not-fetched"; readonly reason: string }
  | {
      readonly kind: "launched";
      readonly run: number;
      readonly pid: number;
      readonly port: number;
    }
  | { readonly kind: "not-launched"; readonly run: number; readonly reason: string }
  | { readonly kind: "opened"; readonly run: number }
  | { readonly kind: "registered"; readonly run: number }
  | { readonly kind: "not-registered"; readonly run: number; readonly reason: string }
  | {
      readonly kind: "announced";
      readonly run: number;
      readonly records: readonly Announced[];
    }
  | { readonly kind: "freed"; readonly run: number }
  /** The answer to `read-output`. */
  | { readonly kind: "said"; readonly run: number; readonly lastLines: readonly string[] }
  /** Nothing of the process group is left. */
  | {
      readonly kind: "exited";
      readonly run: number;
      readonly how: string;
      readonly lastLines: readonly string[];
    };

export type InstanceEffect =
  | { readonly kind: "fetch" }
  | { readonly kind: "check-out" }
  /** Ends fetching or checking out; its result does not matter any more. */
  | { readonly kind: "abandon" }
  | { readonly kind: "launch"; readonly run: number }
  /** Looks until something accepts connections on PORT. */
  | { readonly kind: "probe"; readonly run: number }
  | { readonly kind: "register"; readonly run: number }
  | { readonly kind: "free"; readonly run: number }
  | { readonly kind: "read-output"; readonly run: number }
  | { readonly kind: "terminate" }
  | { readonly kind: "kill" };

export interface InstanceStep {
  readonly state: InstanceState;
  readonly effects: readonly InstanceEffect[];
  /** A step of the deploy that was just done. */
  readonly done?: "fetched" | "checked out" | "started";
}

/** When something happens. Deadlines run on a clock that never jumps; people read the other one. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** A random number in [0, 1), for jitter. */
  readonly fraction: number;
}
