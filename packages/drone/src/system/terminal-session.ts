/**
 * Everything that a command started, by its session: a shell with jobs puts each into a group of its own,
 * and PROCESS_ID does not tell, as a command inside an instance has that of the instance.
 */
import { sleep, type Clock, readStat, type ProcStat } from "@propagit/runtime";
import { readPids, shared } from "./proc.js";
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
  const members = await scan();
  // Without /proc the group of the leader is all that is known.
  if (members === undefined) return signalGroup(session, 0) ? [session] : [];
  const groups = members.filter((it) => it.session === session).map(({ group }) => group);
  return [...new Set(groups)];
}

const scan = shared(listMembers);

/** One file after the other: a drone with many commands has few descriptors to spare. */
async function listMembers(): Promise<readonly ProcStat[] | undefined> {
  const pids = await readPids();
  if (pids === undefined) return undefined;
  const members: ProcStat[] = [];
  for (const pid of pids) {
    const stat = readStat(pid);
    if (stat?.lives) members.push(stat);
  }
  return members;
}
