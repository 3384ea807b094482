/** Why a command cannot be started, in words, before a process is made for it. */
import { access, constants, open, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { LaunchRequest } from "../world.js";

/** Linux reads no more of a first line (BINPRM_BUF_SIZE). */
const firstLineBytes = 256;

/** @throws DEPLOY_FAILED with the reason */
export async function checkLaunchable(
  request: Pick<LaunchRequest, "command" | "folder" | "variables">,
): Promise<void> {
  const reason = await whyNot(request);
  if (reason !== undefined) throw new PropagitError("DEPLOY_FAILED", reason);
}

async function whyNot({
  command,
  folder,
  variables,
}: Pick<LaunchRequest, "command" | "folder" | "variables">): Promise<string | undefined> {
  const [program = ""] = command;
  const place = await stat(folder).catch(() => undefined);
  if (place === undefined) return `there is no folder ${folder} to run it in`;
  if (!place.isDirectory()) return `${folder} is not a folder to run it in`;
  const files = await filesFor(program, folder, variables["PATH"] ?? "");
  if (files.length === 0) return `command not found: ${program}`;
  for (const file of files) {
    if (!(await isExecutable(file))) continue;
    const interpreter = await interpreterOf(file);
    if (interpreter === undefined || (await isExecutable(resolve(folder, interpreter)))) {
      return undefined;
    }
    return `${program} cannot be run: the interpreter in its first line is missing`;
  }
  return `${program} cannot be run: it is not executable`;
}

/** Where the program may be, in the order of PATH. */
async function filesFor(program: string, folder: string, path: string): Promise<string[]> {
  if (program === "") return [];
  const places = program.includes("/")
    ? [resolve(folder, program)]
    : path.split(delimiter).map((place) => join(resolve(folder, place), program));
  const found: string[] = [];
  for (const place of places) if (await isFile(place)) found.push(place);
  return found;
}

/** Absolute path of a program of the machine, on the drone's own PATH; undefined when there is none. */
export async function findProgram(name: string): Promise<string | undefined> {
  const places = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  for (const place of [...places, "/usr/sbin", "/usr/bin", "/bin"]) {
    const file = join(place, name);
    if ((await isFile(file)) && (await isExecutable(file))) return file;
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Named by a script's first line. */
async function interpreterOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(firstLineBytes), 0);
      const start = buffer.toString("latin1", 0, bytesRead);
      return /^#![ \t]*([^ \t\n\0]+)/.exec(start)?.[1];
    } finally {
      await file.close();
    }
  } catch (thrown) {
    // What may be executed need not be readable.
    if (errnoOf(thrown) === "EACCES") return undefined;
    throw thrown;
  }
}
