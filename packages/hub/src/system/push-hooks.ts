/**
 * Git's hooks that ask the hub about a push, `pre-receive` before anything of it counts and `post-receive`
 * when it is done: one script of `sh`, which talks over descriptor 3 and shows what it is told.
 *
 * A descriptor and not a socket with a name: the hub that began the push is the only one there is to ask,
 * and when it dies the script reads an end and refuses. See `core/push-hook.ts` for the words.
 */
import { spawn } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { PropagitError } from "@propagit/protocol";
import { nodeDisk } from "@propagit/runtime";
import {
  parseQuestion,
  questionCharsMax,
  sayEnd,
  sayLines,
  type HookQuestion,
} from "../core/push-hook.js";

const script = `#!/bin/sh
# Written by the hub at every start: asks the hub, and does what it answers. No answer is a no.
{
  echo "\${0##*/}"
  printf '%s\\n' "$GIT_OBJECT_DIRECTORY"
  printf '%s\\n' "$GIT_ALTERNATE_OBJECT_DIRECTORIES"
  printf '%s\\n' "$GIT_QUARANTINE_PATH"
  at=0
  while [ "$at" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    eval "option=\\$GIT_PUSH_OPTION_$at"
    # One line, whatever it says: what comes after the empty line is believed.
    printf 'option %s\\n' "$(printf %s "$option" | tr '\\n' ' ')"
    at=$((at + 1))
  done
  echo
  cat
  echo
} >&3 || exit 1
while IFS= read -r line <&3; do
  case $line in
    "say "*) printf '%s\\n' "\${line#say }" ;;
    "end 0") exit 0 ;;
    *) exit 1 ;;
  esac
done
echo "error: the hub ended before it had answered; push again"
exit 1
`;

/** What may wait for a client that reads slowly, before lines of a build are left out. */
const waitingBytesMax = 1024 * 1024;

/**
 * Writes the hooks and tries whether they can be run at all.
 *
 * @returns the folder for git's `core.hooksPath`
 * @throws DATA_UNUSABLE on a file system without programs (`noexec`), where git would pass over them
 */
export async function installHooks(home: string): Promise<string> {
  const folder = join(home, "hooks");
  for (const name of ["pre-receive", "post-receive"]) {
    const path = join(folder, name);
    await nodeDisk.writeAtomic(path, script);
    await chmod(path, 0o700);
    if (await runs(path)) continue;
    throw new PropagitError("DATA_UNUSABLE", `git's hooks cannot be run in ${folder}`, {
      hint: "the data folder must allow programs: mount its file system without `noexec`, or choose another with --data",
    });
  }
  return folder;
}

/** A hook without a hub to ask ends with 1; one that cannot be run does not even start. */
function runs(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(path, { stdio: "ignore", cwd: "/" });
    child.once("error", () => resolve(false));
    child.once("close", (exitCode) => resolve(exitCode === 1 || exitCode === 2));
  });
}

/** One question of a hook, to be answered with lines and then once with yes or no. */
export interface HookCall {
  readonly question: HookQuestion;
  readonly say: (text: string) => void;
  readonly end: (isTaken: boolean) => void;
}

/** Listens to the hooks of one push; what cannot be understood is refused. */
export function hearHooks(pipe: Duplex, answer: (call: HookCall) => void): void {
  let heard = "";
  const write = (text: string) => {
    if (pipe.writable) pipe.write(text);
  };
  pipe.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
    for (let next = parseQuestion(heard); next; next = parseQuestion(heard)) {
      heard = next.rest;
      if (next.question) answer(callOf(next.question, pipe, write));
      else write(sayEnd(false));
    }
    if (heard.length > questionCharsMax) pipe.destroy();
  });
  // The hook is gone, with git or because of it; whoever waits for that sees git end.
  pipe.on("error", () => undefined);
}

function callOf(question: HookQuestion, pipe: Duplex, write: (text: string) => void): HookCall {
  let isLeavingOut = false;
  return {
    question,
    say: (text) => {
      const isFull = pipe.writableLength > waitingBytesMax;
      if (!isFull) write(sayLines(isLeavingOut ? `… some lines left out\n${text}` : text));
      isLeavingOut = isFull;
    },
    end: (isTaken) => write(sayEnd(isTaken)),
  };
}
