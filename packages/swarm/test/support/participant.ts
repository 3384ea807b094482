/** The process of a `Participant`. */
import { toPropagitError } from "@propagit/protocol";
import { nodeWorld, silentLog } from "@propagit/runtime";
import { openSwarm, type OpenSwarm, type Share } from "../../src/index.js";
import type { Answered, ParticipantOptions, Told } from "./real-swarm.js";

let opened: OpenSwarm | undefined;
let share: Share | undefined;

process.on("message", (told: Told) => {
  switch (told.kind) {
    case "open":
      void open(told.options);
      break;
    case "take":
      share = opened?.swarm.take(told.admission);
      share?.whole.then(
        () => answer({ kind: "whole" }),
        (thrown: unknown) => {
          const { code, message } = toPropagitError(thrown);
          answer({ kind: "failed", code, message });
        },
      );
      break;
    case "report":
      answer({ kind: "report", report: share?.report });
      break;
    default:
      told satisfies never;
  }
});
// Whoever started this is gone, and so is what it was for.
process.on("disconnect", () => process.exit());

async function open({ name, folder, ...limits }: ParticipantOptions): Promise<void> {
  opened = await openSwarm({
    folder,
    world: nodeWorld(silentLog),
    name: () => name,
    role: "drone",
    zone: undefined,
    listen: { host: "127.0.0.1", port: 0 },
    limits,
    changed: () => undefined,
  });
  answer({ kind: "port", port: opened.port ?? 0 });
}

function answer(answered: Answered): void {
  process.send?.(answered);
}
