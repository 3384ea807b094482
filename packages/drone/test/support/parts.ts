/** Tasks and commands of a drone without the drone: what they need of it is here, real where it matters. */
import { nodeRandom, nodeWorld, type IncomingCall, type Log } from "@propagit/runtime";
import { openCredential, type Build, type Service, type Task } from "@propagit/protocol";
import type { DroneContext, LivingInstance } from "../../src/drone-part.js";
import { GitCommits } from "../../src/system/commits.js";
import { taskParts } from "../../src/system/task-parts.js";
import { RunDesk } from "../../src/runs.js";
import { TaskDesk } from "../../src/tasks.js";
import type { TaskParams, TaskResult } from "../../src/task-world.js";
import type { DroneWorld, GitSource, Specified } from "../../src/world.js";

export const deployment = "d".repeat(16);

export interface PartsOptions {
  readonly folder: string;
  readonly url: string;
  readonly specified: Specified;
  readonly instances?: readonly LivingInstance[];
  readonly log?: Log;
}

export interface Parts {
  readonly tasks: TaskDesk;
  readonly runs: RunDesk;
  /** Where git goes; may be changed. */
  readonly hub: { source: () => Promise<GitSource> };
  readonly commits: GitCommits;
}

/** A life of a drone. */
export async function openParts(options: PartsOptions): Promise<Parts> {
  const world = nodeWorld(options.log ?? { info: () => undefined, warn: () => undefined });
  const commits = new GitCommits(options.folder, nodeRandom);
  await commits.tidy();
  const hub = { source: () => Promise.resolve({ url: options.url, password: undefined }) };
  const context = contextOf({ ...world, commits } as unknown as DroneWorld, options, hub);
  const { folder } = options;
  const own = { world, folder, commits, credential: openCredential, isRelay: false };
  const made = await taskParts(own);
  const parts = made.parts.map((make) => make(context));
  const tasks = parts.find((part) => part instanceof TaskDesk);
  const runs = parts.find((part) => part instanceof RunDesk);
  if (!tasks || !runs) throw new Error("cannot happen: the parts are there");
  return { tasks, runs, hub, commits };
}

function contextOf(world: DroneWorld, options: PartsOptions, hub: Parts["hub"]): DroneContext {
  return {
    world,
    name: () => "one",
    host: "127.0.0.1",
    hub: () => Promise.reject(new Error("nobody asks it here")),
    upstream: () => ({ host: "hub", port: 6001 }),
    tidySoon: () => undefined,
    source: () => hub.source(),
    specified: () => Promise.resolve(options.specified),
    planOf: (specified, name) => {
      const service = specified.services.find((it) => name === undefined || it.name === name);
      const { env = {}, cwd, user } = service ?? ({} as Partial<Service>);
      return { variables: { ...env, ...specified.config }, cwd, user } as ReturnType<
        DroneContext["planOf"]
      >;
    },
    environment: ({ identity, plan, ports, variables }) => ({
      PATH: process.env["PATH"] ?? "",
      ...plan.variables,
      ...variables,
      ...Object.fromEntries(Object.values(ports).map((port) => ["PORT", String(port)])),
      COMMIT: identity.commit,
      SERVICE: identity.service,
      PROCESS_ID: identity.process,
    }),
    instances: () => options.instances ?? [],
  };
}

export function shell(script: string): [string, string, string] {
  return ["/bin/sh", "-c", script];
}

export function specify(
  parts: { build?: Partial<Build>; test?: Partial<Task>; release?: Partial<Task> },
  config: Record<string, string> = {},
): Specified {
  const rest = { on: [], env: {}, timeoutMs: 60_000 } as unknown as Task;
  const choice = { include: [], exclude: [], cache: [] };
  return {
    id: deployment,
    services: [],
    config,
    ...(parts.build && { build: { ...rest, ...choice, ...parts.build } }),
    ...(parts.test && { test: { ...rest, ...parts.test } }),
    ...(parts.release && { release: { ...rest, ...parts.release } }),
  };
}

export function paramsOf(
  kind: TaskParams["kind"],
  commit: string,
  more: Partial<TaskParams> = {},
): TaskParams {
  const what = { repo: "webapp", environment: "production", commit, artifact: commit, release: 1 };
  return { id: `${kind}1`, kind, deployment, ...what, ...more };
}

export interface Asked {
  readonly result: Promise<TaskResult>;
  readonly lines: string[];
  /** The caller goes away. */
  readonly leave: () => void;
}

/** Calls a task as the hub does. */
export function ask({ tasks }: Pick<Parts, "tasks">, params: TaskParams): Asked {
  const lines: string[] = [];
  const gone = new AbortController();
  const call = {
    signal: gone.signal,
    part: ({ text }: { text: string }) => void lines.push(text),
  } as unknown as IncomingCall<"drone.task">;
  const result = Promise.resolve(
    tasks.handlers["drone.task"]?.(params, call) as Promise<TaskResult>,
  );
  result.catch(() => undefined);
  return { result, lines, leave: () => gone.abort() };
}
