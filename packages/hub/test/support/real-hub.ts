/** A real hub in a folder of its own, and the real git against it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ClusterEvent } from "@propagit/protocol";
import {
  credentialFromSecret,
  dial,
  hangUp,
  nodeWorld,
  sessionPaths,
  silentLog,
  type Conversation,
} from "@propagit/runtime";
import { startHub, type RunningHub, type StartHubOptions } from "../../src/index.js";
import { gitIn, secret, temporaryFolder, type GitRunner } from "./real-git.js";

export { run, secret, temporaryFolder, until } from "./real-git.js";

export interface Bench extends GitRunner {
  /** Everything of the test is in here, and goes with it. */
  readonly folder: string;
  readonly hub: RunningHub;
  /** What the hub said. */
  readonly log: readonly string[];
  /** URL of a repository, with the secret; port of the git side unless given. */
  url(repo: string, options?: { password?: string; port?: number }): string;
  /** A repository with one commit on `master`. @returns its hash */
  commit(name: string, content: string): Promise<string>;
  /** A session of a role, closed at the end of the test. */
  connect(role?: "cli" | "drone"): Promise<Conversation>;
  events(): Promise<readonly ClusterEvent[]>;
  /** Stops the hub and starts another one in the same data folder. */
  restart(options?: Partial<StartHubOptions>): Promise<void>;
}

export async function makeBench(
  test: TestContext,
  options: Partial<StartHubOptions> = {},
): Promise<Bench> {
  const folder = await temporaryFolder(test);
  const log: string[] = [];
  const say = (message: string) => void log.push(message);
  const start = (more: Partial<StartHubOptions>) =>
    startHub({
      port: 0,
      secret,
      dataFolder: join(folder, "hub"),
      log: { info: say, warn: say },
      ...options,
      ...more,
    });
  let hub = await start({});
  test.after(() => hub.stop());
  const { git, good } = gitIn(folder);
  const connect = async (role: "cli" | "drone" = "cli") => {
    const conversation = await dialHub(hub.port, role);
    test.after(() => hangUp(conversation));
    return conversation;
  };
  return {
    folder,
    log,
    git,
    good,
    connect,
    get hub() {
      return hub;
    },
    url: (repo, { password = secret, port = hub.gitPort } = {}) =>
      `http://git:${password}@localhost:${port}/${repo}`,
    commit: (name, content) => commit(good, folder, name, content),
    events: async () => {
      const conversation = await connect();
      return (await conversation.call("hub.events", { last: 1_000, follow: false })).events;
    },
    restart: async (more = {}) => {
      await hub.stop();
      hub = await start(more);
    },
  };
}

export function dialHub(port: number, role: "cli" | "drone", word = secret): Promise<Conversation> {
  return dial(nodeWorld(silentLog), {
    address: { host: "localhost", port },
    path: sessionPaths.hub,
    role,
    credential: credentialFromSecret(word),
    acceptsOpen: false,
  });
}

async function commit(
  good: Bench["good"],
  folder: string,
  name: string,
  content: string,
): Promise<string> {
  await good(["init", "--quiet", "--initial-branch=master", name]);
  await writeFile(join(folder, name, "file.txt"), content);
  await good(["add", "."], { cwd: name });
  await good(["commit", "--quiet", "-m", content.slice(0, 40)], { cwd: name });
  return good(["rev-parse", "HEAD"], { cwd: name });
}
