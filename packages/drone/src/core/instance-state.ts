/** What an instance can be, what can happen to it, and what is to be done then: see `instance.ts`. */
import type { Health, RestartRules, Service } from "@propagit/protocol";
import type { HealthState } from "./health.js";

export interface InstanceIdentity {
  /** PROCESS_ID: names the instance, stays the same when its process is restarted. */
  readonly process: string;
  readonly deployment: string;
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  /** The commit whose files are checked out. */
  readonly artifact: string;
  /** Number of the release it was started for. */
  readonly release: number;
  readonly service: string;
  /** 1, 2, … among the instances of its service on this drone. */
  readonly slot: number;
}

export interface InstanceRules {
  /** The first is PORT; none for what never listens. */
  readonly ports: Service["ports"];
  /**
   * When it is up: it listens on every port, it has announced itself, or it has lived for `aliveMs`. An app
   * that announces itself is up by that whatever the rule.
   */
  readonly ready: Service["ready"];
  /** The drone makes records of its ports, unless it announces itself. */
  readonly registers: boolean;
  /** From the start of a process until it must be ready. */
  readonly readyTimeoutMs: number;
  readonly health: Health | undefined;
  /** The signal that ends it, and how long after it comes SIGKILL. */
  readonly stop: Service["stop"];
  readonly restart: RestartRules;
  /** From the end of the records to the signal, at least: whoever just read them still gets an answer. */
  readonly drainMs: number;
}

/** How long something that does not listen must live to count as up. A guess: most mistakes show sooner. */
export const aliveMs = 1_000;
/** Ends in a row, before it was ever ready, that make it `failed`: whoever deployed it need not wait longer. */
export const firstCrashesMax = 3;
/** After this long in `ready` an end is a first one again. */
export const calmMs = 60_000;
/** Between tries of what is no crash: fetching, starting, registering. */
export const retryBackoff = { firstMs: 1_000, maxMs: 60_000 } as const;
/** Bound on reading the last lines of a process that did not become ready. */
export const readOutputMsMax = 1_000;
/** Bound on telling the registry that records end; then the process is ended all the same. */
export const freeMsMax = 2_000;

/** Numbers of ports by their names. */
export type PortNumbers = Readonly<Record<string, number>>;

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
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** It listens on every port, or has lived long enough: see `InstanceRules.ready`. */
  readonly isUp: boolean;
  /** The records that the drone makes for it, all together. */
  readonly record: "none" | "wanted" | "held";
  /** Records that the app made itself; once there was one, the drone makes none. */
  readonly announced: readonly Announced[];
  readonly announcesItself: boolean;
  /** Undefined until the checks begin, and when there are none. */
  readonly health: HealthState | undefined;
}

export type StopStage = "launching" | "freeing" | "draining" | "terminating" | "killing";

/** What comes after the end of a process that is being ended. */
export type AfterEnd =
  | { readonly kind: "gone" }
  /** Somebody asked for it. */
  | { readonly kind: "restart" }
  /** Its health checks failed; that counts as a crash of a process that was ready for so long. */
  | { readonly kind: "unhealthy"; readonly reason: string; readonly readyMs: number };

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
      /**
       * What is tried again; `readiness` means that the process lives and may still become ready, `nothing`
       * that it is given up until somebody asks.
       */
      readonly next: "fetch" | "start" | "readiness" | "nothing";
      readonly retryAt: number | undefined;
    }
  /** It ended as its restart policy wants it, and is not started again until somebody asks. */
  | { readonly kind: "done"; readonly reason: string }
  | {
      readonly kind: "stopping";
      readonly stage: StopStage;
      readonly until: number | undefined;
      readonly after: AfterEnd;
    }
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
  /** Kept over restarts. */
  readonly ports: PortNumbers;
  readonly restarts: number;
  /** Ends of processes that another start came or comes after. */
  readonly ends: number;
  /** Crashes since it was last ready for a while. */
  readonly crashes: number;
  /** Tries in a row that did not even get as far as a process. */
  readonly failures: number;
  readonly wasReady: boolean;
}

export type InstanceEvent =
  | { readonly kind: "start" }
  /** A process of the drone's earlier life; it may be over already, and `exited` follows. */
  | ({ readonly kind: "adopted" } & Adopted)
  /** As the earlier life left it: it does not run, and shall not until somebody asks. */
  | {
      readonly kind: "rest";
      readonly outcome: "done" | "failed";
      readonly reason: string;
      readonly lastLines: readonly string[];
    }
  /** What waits for another try is tried at once; `isAsked` (somebody deployed again): also after a crash, or given up. */
  | { readonly kind: "retry"; readonly isAsked: boolean }
  /** Somebody wants another process; also of what was given up. */
  | { readonly kind: "restart" }
  | { readonly kind: "stop" }
  /** The drone learned how it is to be run only after it was adopted. */
  | { readonly kind: "rules"; readonly rules: InstanceRules }
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
      readonly ports: PortNumbers;
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
  /** The answer to `drain`: nothing is under way to it any more, or nobody can say. */
  | { readonly kind: "drained"; readonly run: number }
  /** The answer to `check`. */
  | {
      readonly kind: "checked";
      readonly run: number;
      readonly ok: boolean;
      readonly reason: string;
    }
  /** The answer to `read-output`. */
  | { readonly kind: "said"; readonly run: number; readonly lastLines: readonly string[] }
  /** Nothing of the process group is left. */
  | ({ readonly kind: "exited"; readonly run: number } & Exit);

interface Adopted {
  readonly pid: number;
  readonly ports: PortNumbers;
  readonly restarts: number;
  readonly wasReady: boolean;
  /** The drone had made records for it. */
  readonly hasRecords: boolean;
  readonly isOver: boolean;
}

export interface Exit {
  readonly how: string;
  /** Undefined when it was ended by a signal, or nobody saw it. */
  readonly code: number | undefined;
  readonly lastLines: readonly string[];
}

export type InstanceEffect =
  | { readonly kind: "fetch" }
  | { readonly kind: "check-out" }
  /** Ends fetching or checking out; its result does not matter any more. */
  | { readonly kind: "abandon" }
  | { readonly kind: "launch"; readonly run: number }
  /** Looks until something accepts connections on every port. */
  | { readonly kind: "probe"; readonly run: number }
  /** Makes a record for each port; again after a restart of the drone it makes the same ones. */
  | { readonly kind: "register"; readonly run: number }
  | { readonly kind: "free"; readonly run: number }
  /** Waits for `drainMs`, and until proxies say that nothing is under way to it; at most so long. */
  | { readonly kind: "drain"; readonly run: number; readonly waitMs: number }
  | { readonly kind: "check"; readonly run: number }
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
