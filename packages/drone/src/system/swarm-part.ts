/**
 * A drone's place in the swarm: a port of its own where others get pieces, a folder for what is on its way
 * and what is kept for others:
 *
 *     swarm/ARTIFACT/pack, manifest, grant
 */
import { mkdir, statfs } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import type { World } from "@propagit/runtime";
import type { DroneSettings } from "../core/options.js";
import type { Hider } from "../core/stored-desire.js";
import { roomOf } from "../core/swarm-room.js";
import { SwarmDesk } from "../swarm-desk.js";

export interface SwarmPlace {
  readonly world: Pick<World, "clock" | "random" | "log" | "crypto">;
  /** The drone's data folder. */
  readonly folder: string;
  readonly settings: DroneSettings;
  readonly hider: Hider;
  /** Of a relay: others get pieces on the port where it takes drones in. */
  readonly front?: { readonly server: Server; readonly port: number };
}

/**
 * Undefined for a drone that shall fetch with git only.
 *
 * @throws PORT_IN_USE, DATA_UNUSABLE
 */
export async function openSwarmDesk(place: SwarmPlace): Promise<SwarmDesk | undefined> {
  const { world, settings, hider, front } = place;
  const { swarm: wish, labels, relay } = settings;
  if (!wish) return undefined;
  const { port = 0, ...limits } = wish;
  const folder = join(place.folder, "swarm");
  const { openSwarm, sharePort } = await import("@propagit/swarm");
  // Nothing is told before the desk is there: it is what takes part.
  const desks: SwarmDesk[] = [];
  const open = await openSwarm({
    folder,
    world,
    name: () => desks[0]?.name ?? settings.name,
    role: relay ? "relay" : "drone",
    zone: labels["zone"],
    ...(!front && { listen: { port } }),
    limits,
    changed: (report) => desks[0]?.changed(report),
  });
  const shared = front && sharePort(front.server, (socket) => open.accept(socket));
  const desk = new SwarmDesk({
    ...world,
    hider,
    open: {
      ...open,
      port: open.port ?? front?.port ?? 0,
      stop: async () => {
        shared?.close();
        await open.stop();
      },
    },
    roomBytes: () => roomIn(folder),
  });
  desks.push(desk);
  return desk;
}

async function roomIn(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { bsize, blocks } = await statfs(folder);
  return roomOf(blocks * bsize);
}
