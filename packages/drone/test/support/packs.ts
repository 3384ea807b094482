/** Packs as a hub makes them, and ways that deliver them. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommitWays, Delivery, Pack } from "../../src/commit-ways.js";

/** Everything that leads to a commit, without what is there already. */
export function packOf(repo: string, commit: string, base?: string): Promise<Buffer> {
  const wanted = [commit, ...(base === undefined ? [] : [`^${base}`]), ""].join("\n");
  const args = ["pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset"];
  return gitBytes(repo, [...args, ...(base === undefined ? [] : ["--thin"])], wanted);
}

/** A pack with exactly these objects. */
export function packOfObjects(repo: string, objects: readonly string[]): Promise<Buffer> {
  return gitBytes(repo, ["pack-objects", "--stdout", "--quiet"], `${objects.join("\n")}\n`);
}

function gitBytes(repo: string, args: readonly string[], input: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { cwd: repo, encoding: "buffer", maxBuffer: 2 ** 30 } as const;
    const child = execFile("git", args, options, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}

export interface TestDelivery {
  readonly commit: string;
  readonly base?: string;
  readonly pack: Pack | (() => Promise<Pack>);
}

/** What a hub answers, one after the other; then git. */
export class TestWays implements CommitWays {
  /** What it was told of commits that are there. */
  readonly asked: (readonly string[])[] = [];
  /** `used COMMIT`, `spoiled COMMIT: REASON`. */
  readonly ends: string[] = [];
  readonly #answers: (TestDelivery | Error)[];

  constructor(...answers: (TestDelivery | Error)[]) {
    this.#answers = answers;
  }

  next(_: unknown, have: readonly string[]): Promise<Delivery | undefined> {
    this.asked.push(have);
    const answer = this.#answers.shift();
    if (!answer) return Promise.resolve(undefined);
    if (answer instanceof Error) return Promise.reject(answer);
    const { commit, base, pack } = answer;
    return Promise.resolve({
      commit,
      base,
      arrived: () => (typeof pack === "function" ? pack() : Promise.resolve(pack)),
      used: () => void this.ends.push(`used ${commit}`),
      spoiled: (reason) => void this.ends.push(`spoiled ${commit}: ${reason}`),
    });
  }
}

export function bytesPack(bytes: Uint8Array): Pack {
  return { kind: "bytes", bytes };
}

export async function filePack(folder: string, bytes: Uint8Array): Promise<Pack> {
  const path = join(folder, `pack-${bytes.length}-${Math.random().toString(16).slice(2)}`);
  await writeFile(path, bytes);
  return { kind: "file", path };
}
