/**
 * The hub's own part in swarms: its packs, and those who come for pieces of them on its port.
 *
 *     DATA/artifacts   packs that are made here, see artifact-records.ts
 *     DATA/swarm-key   signs their manifests
 */
import { join } from "node:path";
import type { Socket } from "node:net";
import { openSwarm, findHubKey } from "@propagit/swarm";
import type { World } from "@propagit/runtime";
import type { SwarmMeans } from "../world.js";
import { ArtifactShelf } from "./artifact-shelf.js";
import type { GitRepositories } from "./git-repositories.js";

export interface SwarmPartOptions {
  readonly dataFolder: string;
  readonly world: World;
  readonly repositories: GitRepositories;
  /** The hub's main port. */
  readonly port: number;
  /** Of all artifacts together; undefined: no bound. */
  readonly uploadBytesPerSecondMax: number | undefined;
}

export interface SwarmPart {
  readonly means: SwarmMeans;
  /** Takes a connection to the hub's port that begins as TLS does. */
  accept(socket: Socket): void;
  stop(): Promise<void>;
}

/** @throws DATA_UNUSABLE */
export async function openSwarmPart(options: SwarmPartOptions): Promise<SwarmPart> {
  const { dataFolder, world, repositories, port, uploadBytesPerSecondMax } = options;
  const { clock, random, log } = world;
  const folder = join(dataFolder, "artifacts");
  const key = await findHubKey(dataFolder);
  const now = () => clock.now();
  const artifacts = await ArtifactShelf.open({ folder, repositories, key, random, log, now });
  const opened = await openSwarm({
    // Nothing is ever taken here: what is offered is read where it lies.
    folder: join(dataFolder, "swarm"),
    world,
    name: () => "hub",
    role: "hub",
    zone: undefined,
    changed: () => undefined,
    limits: {
      ...(uploadBytesPerSecondMax !== undefined && {
        sendBytesPerSecondMax: uploadBytesPerSecondMax,
      }),
    },
  });
  const stop = async () => {
    await opened.stop();
    await artifacts.stop();
  };
  return {
    means: { artifacts, swarm: opened.swarm, port },
    accept: (socket) => opened.accept(socket),
    stop,
  };
}
