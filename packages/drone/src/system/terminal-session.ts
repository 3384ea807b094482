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
  const members = await scan().catch(() => undefined);
  // Without /proc the group of the leader is all that is known.
  if (members === undefined) return signalGroup(session, 0) ? [session] : [];
  const groups = members.filter((it) => it.session === session).map(({ group }) => group);
  return [...new Set(groups)];
}

interface Member {
  readonly session: number;
  readonly group: number;
}

type Members = readonly Member[] | undefined;
let running: Promise<Members> | undefined;
let next: Promise<Members> | undefined;

/** Many commands that end together share a look: the next that begins, never one that has begun. */
function scan(): Promise<Members> {
  if (running === undefined) {
    running = listMembers().finally(() => {
      running = undefined;
    });
    return running;
  }
  next ??= running
    .catch(() => undefined)
    .then(() => {
      next = undefined;
      return scan();
    });
  return next;
}

/** One file after the other: a drone with many commands has few descriptors to spare. */
async function listMembers(): Promise<Members> {
  if (process.platform !== "linux") return undefined;
  const members: Member[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
    // The command in parentheses may itself hold spaces and parentheses (proc(5)).
    const [state, , group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || state === "X") continue;
    members.push({ session: Number(session), group: Number(group) });
  }
  return members;
}
