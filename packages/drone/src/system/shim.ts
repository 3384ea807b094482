/**
 * The shim: a shell between the drone and an app, which stays when the drone goes.
 *
 *     drone ── sh (the shim: leader of the group, waits)
 *                └─ the app
 *
 * It knows how the app ended when no drone was there to see it, and writes it down. Signals go to the whole
 * group; the shim catches them by handlers, not by ignoring them, because what is ignored stays ignored in
 * the app. The app runs in the foreground of the shell: in its background SIGINT would be ignored.
 *
 * Its script comes in a variable, so that `ps` shows what is run instead: not as an argument, which is a
 * page of shell, nor as a file, which may be gone or half written when it is read.
 *
 *     /bin/sh -c eval "$PROPAGIT_SHIM" propagit-shim webapp 74336bc web.1 …/run/5f3a… node server.js
 *      \_ node server.js
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { PropagitError, shortCommit } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { LaunchRequest } from "../world.js";
import type { RunFolder } from "./run-folder.js";
import type { Account } from "./shim-user.js";

/** Where shim and app hold the FIFO: the highest that a POSIX shell can write to. */
const pipeDescriptor = 9;

/** Who this shell is, into a file that is there already; without /proc just its number. */
const writeSelf = (file: string) =>
  `{ read -r s </proc/$$/stat; } 2>/dev/null || s=$$\nprintf '%s\\n' "$s" 1<>"${file}" || exit 126`;

/** Scripts of the shim and of the app's shell; the app sees neither. */
const [shimVariable, appVariable] = ["PROPAGIT_SHIM", "PROPAGIT_SHIM_APP"];

/**
 * $1 says what it is, $2 is the folder; the others are the command. What the shell itself says (`Killed`) goes nowhere:
 * both outputs of the app are its first. A drone that is away lets nobody read: SIGPIPE must not hurt.
 */
const shimScript = `i=$${appVariable}
unset ${shimVariable} ${appVariable}
trap : TERM INT HUP QUIT USR1 USR2
exec 2>/dev/null
d=$2; shift 2
${writeSelf("$d/shim")}
/bin/sh -c "$i" "$d" "$@"
c=$?
trap '' PIPE
printf '%s\\n' "$c" 1<>"$d/exit"
echo ended >&${pipeDescriptor}
exit "$c"`;

export interface ShimRequest {
  readonly request: LaunchRequest;
  readonly run: RunFolder;
  readonly account: Account | undefined;
  /** Lines of shell that put limits on the app's shell, before it becomes the app. */
  readonly limits: readonly string[];
  /** File descriptors of the log file and of the FIFO's write end. */
  readonly output: number;
  readonly pipe: number;
}

/** Resolves when there is a process; whether it has become the app is told by its folder. */
export async function spawnShim(
  shim: ShimRequest,
): Promise<ChildProcess & { readonly pid: number }> {
  const { request, run, account, output, pipe } = shim;
  const ignored = Array.from({ length: pipeDescriptor - 3 }, () => "ignore" as const);
  const child = spawn(
    "/bin/sh",
    ["-c", `eval "$${shimVariable}"`, "propagit-shim", titleOf(shim), run.path, ...request.command],
    {
      cwd: request.folder,
      env: {
        ...request.variables,
        ...account?.variables,
        [shimVariable]: shimScript,
        [appVariable]: appScript(shim),
      },
      stdio: ["ignore", output, output, ...ignored, pipe],
      detached: true,
    },
  );
  try {
    await once(child, "spawn");
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError(
      "DEPLOY_FAILED",
      `${request.command[0]} cannot be run: no process can be made: ${reason}`,
      { cause: thrown },
    );
  }
  // The drone may end while it runs.
  child.unref();
  return child as ChildProcess & { readonly pid: number };
}

/** As a drone names an instance to people. */
function titleOf({ request: { note } }: ShimRequest): string {
  return `${note.repo} ${shortCommit(note.commit)} ${note.service}.${note.slot}`;
}

/**
 * A drone that is spared when memory runs out (OOMScoreAdjust, see proc(5)) hands that on to its children;
 * the shim may have it, the app is to be the one that goes.
 */
const asMortalAsOthers =
  '{ read -r o </proc/self/oom_score_adj && [ "$o" -lt 0 ] && echo 0 >/proc/self/oom_score_adj; } 2>/dev/null';

/** Becomes the app; $0 is the folder. */
function appScript({ account, limits }: ShimRequest): string {
  return [
    "exec 2>&1",
    // Before anybody hears of it: what cannot be limited is no app.
    ...limits.map((line) => `${line} || exit 126`),
    asMortalAsOthers,
    writeSelf("$0/pid"),
    `echo started >&${pipeDescriptor}`,
    // Only absolute paths before the app: its PATH begins with what a repository brings along.
    `exec ${account === undefined ? "" : `${account.become} `}"$@"`,
  ].join("\n");
}
