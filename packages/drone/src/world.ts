/** What a drone needs from outside, beside what every part needs. */
import type { Address, Credential } from "@propagit/protocol";
import type { RegistryClient } from "@propagit/registry";
import type { PortRange, World } from "@propagit/runtime";
import type { Environment } from "./core/environment.js";

export interface DroneWorld extends World {
  readonly commits: Commits;
  readonly processes: Processes;
  readonly ports: Ports;
  /** A client that keeps trying by itself; never fails at once. */
  connectRegistry(address: Address, options: RegistryAccess): RegistryClient;
}

export interface RegistryAccess {
  readonly credential: Credential;
  /** Whether a registry without a secret will do. */
  readonly acceptsOpen: boolean;
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

/** Commits on this machine. */
export interface Commits {
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

export interface LaunchRequest extends CommitName {
  readonly process: string;
  readonly service: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Environment;
}

export interface ProcessEnd {
  /** A sentence's part: `exited with code 1`, `was ended by SIGKILL`. */
  readonly how: string;
  readonly lastLines: readonly string[];
}

export interface RunningProcess {
  readonly pid: number;
  /** Resolves once nothing of its process group is left; what outlives the leader is ended. */
  readonly ended: Promise<ProcessEnd>;
  /** To the whole group; no error when it is gone. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** The last lines it wrote so far. */
  lastLines(): Promise<readonly string[]>;
}

export interface Processes {
  /**
   * Starts a process in a group of its own, its output straight into a file.
   *
   * @throws a readable reason when there is no such command, or it cannot be executed
   */
  launch(request: LaunchRequest): Promise<RunningProcess>;
}

export interface PortRequest {
  readonly range: PortRange;
  /** Taken when it is free. */
  readonly wanted: number | undefined;
  /** Promised to others that do not listen yet. */
  readonly avoid: (port: number) => boolean;
}

export interface Ports {
  /** @throws NO_FREE_PORT */
  pick(request: PortRequest): Promise<number>;
  /** Whether something accepts connections there, at any of the hosts. */
  isOpen(hosts: readonly string[], port: number): Promise<boolean>;
}
