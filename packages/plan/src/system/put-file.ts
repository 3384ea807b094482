/** Files written by a host's own shell: the same steps for this machine and for one behind ssh. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PropagitError, quote } from "@propagit/protocol";
import type { CommandEnd, ExecuteOptions, Executed, PutContent, PutOptions } from "../command.js";
import { putScript, scriptEnds, scriptPreamble } from "../core/put-script.js";

/** As `Host.execute`, and the input may be longer than memory. */
export type Run = (words: readonly string[], options: RunOptions) => Promise<Executed>;

export interface RunOptions extends Omit<ExecuteOptions, "input"> {
  readonly input?: string | Uint8Array | Readable;
}

export interface PutPlace {
  /** Of the host, for messages. */
  readonly host: string;
  readonly path: string;
  readonly options: PutOptions;
}

export async function putFile(
  run: Run,
  content: PutContent,
  place: PutPlace,
): Promise<CommandEnd["outcome"]> {
  const { path, options } = place;
  if (content.kind === "file" && (await isSame(run, content.path, place))) return "unchanged";
  const bytes = content.kind === "bytes" ? content.bytes.length : await sizeOf(content.path);
  const input = content.kind === "bytes" ? content.bytes : createReadStream(content.path);
  const mode = options.mode?.toString(8) ?? "";
  const words = shell(putScript, [path, String(bytes), mode]);
  const ended = await run(words, { ...runOptions(options), input });
  switch (ended.code) {
    case scriptEnds.done:
      return "done";
    case scriptEnds.unchanged:
      return "unchanged";
    case scriptEnds.refused:
      throw new PropagitError("TASK_REFUSED", `${place.host}: ${lastLine(ended.errorOutput)}`);
    default: {
      const why = lastLine(ended.errorOutput);
      throw new PropagitError("TASK_FAILED", `${place.host}: ${path} was not written: ${why}`);
    }
  }
}

export async function existsAt(run: Run, path: string): Promise<boolean> {
  const ended = await run(shell('there "$1" || exit 90', [path]), {});
  if (ended.code === 0 || ended.code === scriptEnds.unchanged) return ended.code === 0;
  throw new PropagitError("TASK_FAILED", `looking for ${path}: ${lastLine(ended.errorOutput)}`);
}

/** The words that carry a script out; no text but its own is part of it. */
function shell(script: string, args: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", scriptPreamble + script, "propagit", ...args];
}

const digestScript = `[ -f "$1" ] && [ ! -L "$1" ] || exit 0
sum=$(sha256sum <"$1" 2>/dev/null || shasum -a 256 <"$1") || exit 0
printf '%s %s\\n' "\${sum%% *}" "$(mode_of "$1")"
`;

/** So that what is there already does not travel. */
async function isSame(run: Run, file: string, { path, options }: PutPlace): Promise<boolean> {
  const { output } = await run(shell(digestScript, [path]), runOptions(options));
  const [digest, mode] = output.trim().split(" ");
  if (digest === undefined || digest === "") return false;
  if (options.mode !== undefined && mode !== options.mode.toString(8)) return false;
  await sizeOf(file);
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex") === digest;
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    const message = `there is no file ${quote(file)} on the machine that carries the plan out`;
    throw new PropagitError("TASK_FAILED", message, { cause });
  });
  if (found.isFile()) return found.size;
  throw new PropagitError("TASK_FAILED", `${quote(file)} is no file; folders go by: files push`);
}

function runOptions({ sudo, signal }: PutOptions): RunOptions {
  return { ...(sudo !== undefined && { sudo }), ...(signal && { signal }) };
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.slice(0, 500) || "it says nothing of why";
}
