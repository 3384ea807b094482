/** What a drone needs from outside, beside what every part needs. */
import type {
  Address,
  Assignment,
  Build,
  Credential,
  Limits,
  RegistryPlace,
  Service,
  Task,
  Variables,
} from "@propagit/protocol";
import type { RegistryClient } from "@propagit/registry";
import type { PortRange, World } from "@propagit/runtime";
import type { Environment } from "./core/environment.js";

export interface DroneWorld extends World {
  readonly commits: Commits;
  readonly processes: Processes;
  readonly checks: Checks;
  readonly memory: Memory;
  readonly ports: Ports;
  /** A client that keeps trying by itself; never fails at once. */
  connectRegistry(address: Address, options: RegistryAccess): RegistryClient;
}

export interface RegistryAccess {
  readonly credential: Credential;
  /** Whether a registry without a secret will do. */
  readonly acceptsOpen: boolean;
  /** Other addresses of the same registry, the best first. */
  readonly ways?: () => readonly Address[];
  /** How long records outlive the drone's last sign of life. */
  readonly ttlMs: number;
  /** The lease of an earlier life, whose records go on; another one when it has ended. */
  readonly lease: string | undefined;
  /** Told which lease holds the records now. */
  readonly leaseChanged: (lease: string) => void;
}

export interface CommitName {
  readonly repo: string;
  readonly commit: string;
}

/** Where git fetches from, and what it shows there; the password is never part of the URL. */
export interface GitSource {
  readonly url: string;
  readonly password: string | undefined;
}

export interface CheckedOut {
  readonly folder: string;
  /** The text of its package.json, when it has one. */
  readonly manifest: string | undefined;
}

export type StopSignal = Service["stop"]["signal"];

/** Commits on this machine. */
export interface Commits {
  /** Removes the files of every commit that is not among these, and what only they needed. */
  keepOnly(names: readonly CommitName[]): Promise<readonly CommitName[]>;
  /**
   * Makes sure that the whole commit is here; asks for a source only when it is not.
   *
   * @throws a readable reason
   */
  fetch(name: CommitName, source: () => Promise<GitSource>, signal: AbortSignal): Promise<void>;
  /**
   * A folder with exactly the files of the commit, made once and never half.
   *
   * @throws a readable reason, DATA_UNUSABLE when the disk is full or read-only
   */
  checkOut(name: CommitName, signal: AbortSignal): Promise<CheckedOut>;
}

/** What a drone wants to know again of an instance in its next life; kept beside the process. */
export interface InstanceNote extends CommitName {
  /** PROCESS_ID. */
  readonly process: string;
  readonly deployment: string;
  readonly environment: string;
  readonly artifact: string;
  readonly release: number;
  readonly service: string;
  readonly slot: number;
  /** By name of the port; the first is PORT. */
  readonly ports: Readonly<Record<string, number>>;
  readonly restarts: number;
  /** Ids of its records in the registry, so that the next life keeps them. */
  readonly records: readonly string[];
  /** This process was ready once: the next life takes it as it was. */
  readonly wasReady: boolean;
  /** When the process started, in ms since 1970. */
  readonly startedAt: number;
}

export interface LaunchRequest {
  readonly note: InstanceNote;
  readonly command: readonly string[];
  /** Where it runs: a folder of the checkout. */
  readonly folder: string;
  readonly variables: Environment;
  readonly user: string | undefined;
  readonly limits: Limits | undefined;
}

export interface ProcessEnd {
  /** A sentence's part: `exited with code 1`, `was ended by SIGKILL`. */
  readonly how: string;
  /** Undefined when nobody saw it: the machine went down, or what watched it was killed too. */
  readonly code: number | undefined;
  readonly lastLines: readonly string[];
}

export interface RunningProcess {
  /** Of the app itself. */
  readonly pid: number;
  /** Resolves once nothing of its process group is left; what outlives the leader is ended. */
  readonly ended: Promise<ProcessEnd>;
  /** To the whole group; no error when it is gone. */
  signal(name: StopSignal): void;
  /** The last lines it wrote so far. */
  lastLines(): Promise<readonly string[]>;
  /** Writes the note anew, so that the next life knows. */
  remember(note: InstanceNote): Promise<void>;
}

/** A process of an earlier life: it runs, or it ended while nobody looked (`ended` is resolved then). */
export interface AdoptedProcess {
  readonly note: InstanceNote;
  readonly running: RunningProcess;
}

export interface Processes {
  /**
   * Starts a process in a group of its own that outlives this drone, its output straight into a file.
   *
   * @throws a readable reason when there is no such command, or it cannot be executed; NO_LIMIT
   */
  launch(request: LaunchRequest): Promise<RunningProcess>;
  /** Every process of an earlier life, once; what has no readable note is ended. */
  adopt(): Promise<readonly AdoptedProcess[]>;
  /** Lets go of all processes: they run on, and the next life adopts them. */
  leave(): void;
}

/** Runs a check of an instance; rejects never, tells why when it failed. */
export interface Checks {
  http(url: string, timeoutMs: number): Promise<CheckResult & { readonly status?: number }>;
  tcp(host: string, port: number, timeoutMs: number): Promise<CheckResult>;
  command(
    request: Pick<LaunchRequest, "command" | "folder" | "variables" | "user">,
    timeoutMs: number,
  ): Promise<CheckResult>;
}

export interface CheckResult {
  readonly ok: boolean;
  /** Of a failure: `connect ECONNREFUSED`, `no answer within 2 s`, `exited with code 1`. */
  readonly reason: string;
}

/** What the drone remembers for a life without the hub; secrets are hidden by its own key. */
export interface Memory {
  /** Undefined when there is nothing, or nothing that can be read. */
  read(): Promise<Remembered | undefined>;
  /** On disk, whole, when it resolves. @throws DATA_UNUSABLE */
  write(remembered: Remembered): Promise<void>;
  readLease(): Promise<RememberedLease | undefined>;
  writeLease(lease: RememberedLease): Promise<void>;
}

export interface Remembered {
  /** How the hub that wanted it took the drone in. */
  readonly joined: Joined;
  readonly assignments: readonly Assignment[];
  readonly keep: readonly CommitName[];
  readonly specifications: readonly Specified[];
  readonly resting: readonly Resting[];
}

/** What a hub says when it takes the drone in. */
export interface Joined {
  /** Name of this drone. */
  readonly drone: string;
  /** Identity of the hub. */
  readonly hub: string | undefined;
  readonly registry: RegistryPlace;
  /** Lease time of the drone's records. */
  readonly timeoutMs: number;
  /** Where else that hub is reached, best first. */
  readonly ways?: readonly string[];
}

/** One deployment as the hub specified it, config in clear. */
export interface Specified {
  readonly id: string;
  readonly services: readonly Service[];
  readonly build?: Build;
  readonly test?: Task;
  readonly release?: Task;
  readonly config: Variables;
}

/** An instance that is desired and does not run, as its restart policy says; nor will it in the next life. */
export interface Resting {
  readonly deployment: string;
  /** The newest release when it came to rest; a newer one begins anew. */
  readonly release: number;
  readonly service: string;
  readonly slot: number;
  readonly outcome: "done" | "failed";
  readonly reason: string;
  readonly lastLines: readonly string[];
}

export interface RememberedLease {
  /** `host:port` of the registry that gave it. */
  readonly place: string;
  readonly ttlMs: number;
  readonly lease: string;
}

export interface PortRequest {
  readonly range: PortRange;
  /** Taken when it is free. */
  readonly wanted: number | undefined;
  /** Promised to others that do not listen yet. */
  readonly avoid: (port: number) => boolean;
}

export interface Ports {
  /** A port that nobody listens on. @throws NO_FREE_PORT */
  pick(request: PortRequest): Promise<number>;
  /** Whether something accepts connections there, at any of the hosts. */
  isOpen(hosts: readonly string[], port: number): Promise<boolean>;
}
