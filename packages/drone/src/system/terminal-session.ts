/**
 * Everything that a command started, by its session: a shell with jobs puts each into a group of its own,
 * and PROCESS_ID does not tell, as a command inside an instance has that of the instance.
 */
import { readdir, readFile } from "node:fs/promises";
import { sleep, type Clock } from "@propagit/runtime";
import { signalGroup } from "./process-group.js";

/** From one signal to the next, stronger one. A shell that is left passes the first on; guesses. */
const steps = [
  { signal: "SIGHUP", graceMs: 1_000 },
  { signal: "SIGTERM", graceMs: 4_000 },
  { signal: "SIGKILL", graceMs: 5_000 },
] as const;
const lookMs = 25;

/** Ends all that is left of a session; resolves when nothing is, or nothing more can be done. */
export async function endSession(clock: Clock, leader: number): Promise<void> {
  for (const { signal, graceMs } of steps) {
    const end = clock.monotonic() + graceMs;
    for (const group of await groupsOf(leader)) signalGroup(group, signal);
    while ((await groupsOf(leader)).length > 0 && clock.monotonic() < end) {
      await sleep(clock, lookMs);
    }
    if ((await groupsOf(leader)).length === 0) return;
  }
}

/** The groups of a session in which something lives. */
async function groupsOf(session: number): Promise<readonly number[]> {
  // Without /proc the group of the leader is all that is known.
  if (process.platform !== "linux") return signalGroup(session, 0) ? [session] : [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const groups = await Promise.all(pids.map((pid) => groupIn(session, pid)));
  return [...new Set(groups.filter((group) => group !== undefined))];
}

async function groupIn(session: number, pid: string): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // The command in parentheses may itself hold spaces and parentheses (proc(5)).
  const [state, , group, ofSession] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const lives = state !== "Z" && state !== "X";
  return lives && Number(ofSession) === session ? Number(group) : undefined;
}
