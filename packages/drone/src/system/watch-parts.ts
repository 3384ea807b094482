/** The parts of a drone that tell of its instances: what they wrote, and what they use. */
import { piecesOf, type LogLine } from "@propagit/protocol";
import { sleep, type Clock, type IncomingCall } from "@propagit/runtime";
import type { StoredLine } from "../core/log-label.js";
import type { DroneContext, MakePart } from "../drone-part.js";
import type { LogStore } from "./log-store.js";
import { machineStats } from "./machine.js";
import { usageOf } from "./usage.js";

export interface WatchPartsOptions {
  readonly clock: Clock;
  readonly logs: LogStore;
  /** The drone's data folder. */
  readonly folder: string;
}

/** As the protocol bounds a part. */
const linesOfPartMax = 1_000;
/** Above it lines wait for the reader, who may be behind a long line. */
const bufferedBytesMax = 2 * 1024 * 1024;
const pollMs = 20;

export function watchParts({ clock, logs, folder }: WatchPartsOptions): readonly MakePart[] {
  return [
    (context) => ({
      handlers: {
        "drone.logs": async (query, call) => {
          await logs.query(query, (lines) => tell(clock, context, call, lines), call.signal);
          return {};
        },
        "drone.stats": async () => {
          const measured = context
            .instances()
            .map(({ note: { process }, pid }) => ({ process, pid }));
          const [machine, usages] = await Promise.all([machineStats(folder), usageOf(measured)]);
          return { machine, usages: [...usages] };
        },
      },
    }),
  ];
}

async function tell(
  clock: Clock,
  { name }: DroneContext,
  { part, signal, conversation }: IncomingCall<"drone.logs">,
  stored: readonly StoredLine[],
): Promise<void> {
  const lines = stored.map((line): LogLine => ({ ...line, drone: name() }));
  for (let done = 0; done < lines.length; done += linesOfPartMax) {
    for (const piece of piecesOf(lines.slice(done, done + linesOfPartMax))) {
      while (conversation.bufferedBytes > bufferedBytesMax && !signal.aborted) {
        await sleep(clock, pollMs);
      }
      if (signal.aborted) return;
      if (piece.length > 0) part(piece);
    }
  }
}
