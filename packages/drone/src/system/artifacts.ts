/**
 * Artifacts: the folder that a build left becomes a commit on top of the one that was built, and goes to the
 * hub.
 *
 * `git add` would not do: it obeys `.gitignore` and `.gitattributes`, and takes a repository inside
 * (`node_modules/x/.git`) for a submodule. So the files are read here and given to `git fast-import`, which
 * writes them into one pack.
 */
import { readlink, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { PropagitError } from "@propagit/protocol";
import type { Random } from "@propagit/runtime";
import { encodeFile, encodeHead, importEnd } from "../core/artifact-import.js";
import type { ArtifactRequest, Artifacts, PushRequest } from "../task-world.js";
import type { GitSource } from "../world.js";
import { artifactFiles, bytesOf, type ArtifactFile } from "./artifact-files.js";
import { passwordSettings, refOf, type BareRepositories } from "./bare-repositories.js";
import { diskError } from "./disk-error.js";
import { git } from "./git.js";

/** Bounds on what becomes an artifact; a whole `node_modules` has a tenth of it. Guesses. */
const filesMax = 500_000;
const bytesMax = 16 * 2 ** 30;
const makeMsMax = 30 * 60_000;
const pushMsMax = 10 * 60_000;
const listCharsMax = 64 * 2 ** 20;
const chunkBytes = 256 * 1024;

/** Where artifacts are kept at the hub. */
function buildRef(commit: string, key: string): string {
  return `refs/propagit/builds/${commit}-${key}`;
}

export class GitArtifacts implements Artifacts {
  readonly #repositories: BareRepositories;
  readonly #random: Random;

  constructor(repositories: BareRepositories, random: Random) {
    this.#repositories = repositories;
    this.#random = random;
  }

  make(request: ArtifactRequest): Promise<string> {
    return this.#repositories.work(request.name, async (repo) => {
      const { name, signal } = request;
      const run = { folder: repo, signal };
      // Its own name: an import that was cut off leaves a reference that no other one meets.
      const ref = `refs/propagit-build/${this.#random.hex(16)}`;
      const date = await git(["show", "--no-patch", "--format=%ct", name.commit], run);
      const head = encodeHead({ ref, commit: name.commit, date: Number(date) });
      const own = await ownFiles(repo, request);
      const output = await git(["fast-import", "--quiet", "--done", "--force", "--depth=0"], {
        ...run,
        input: Readable.from(importOf(head, request, own), { objectMode: false }),
        limitMs: makeMsMax,
      });
      const artifact = output.trim();
      const lines = [`update ${refOf({ commit: artifact })} ${artifact}\n`, `delete ${ref}\n`];
      await git(["update-ref", "--stdin"], { ...run, input: Readable.from(lines) });
      return artifact;
    });
  }

  push({ name, artifact, key }: PushRequest, to: GitSource, signal: AbortSignal): Promise<void> {
    return this.#repositories.work(name, async (repo) => {
      await git(["push", "--quiet", to.url, `${artifact}:${buildRef(name.commit, key)}`], {
        folder: repo,
        settings: passwordSettings(to.password),
        signal,
        limitMs: pushMsMax,
      });
    });
  }
}

/** Files of the commit that was built; looked up only where patterns leave something out. */
async function ownFiles(
  repo: string,
  { name, include, exclude, signal }: ArtifactRequest,
): Promise<ReadonlySet<string>> {
  if (include.length === 0 && exclude.length === 0) return new Set();
  const text = await git(["ls-tree", "-r", "-z", "--name-only", name.commit], {
    folder: repo,
    signal,
    outputCharsMax: listCharsMax,
    encoding: "latin1",
  });
  return new Set(text.split("\0"));
}

async function* importOf(
  head: string,
  { folder, include, exclude }: ArtifactRequest,
  own: ReadonlySet<string>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  let [files, bytes] = [0, 0];
  for await (const file of artifactFiles(folder, { own, include, exclude })) {
    files++;
    bytes += file.bytes;
    if (files > filesMax || bytes > bytesMax) throw tooLarge(files, bytes);
    yield* contentOf(folder, file);
  }
  yield Buffer.from(importEnd);
}

async function* contentOf(folder: string, file: ArtifactFile): AsyncGenerator<Buffer> {
  const { mode, path } = file;
  const place = bytesOf(folder, path);
  if (mode === "120000") {
    const target = await readlink(place, { encoding: "buffer" });
    yield Buffer.concat([entry(file, target.length), target, Buffer.from("\n")]);
    return;
  }
  yield entry(file, file.bytes);
  yield* readExactly(place, file);
  yield Buffer.from("\n");
}

/** As many bytes as were announced: a file that changes meanwhile must not break what comes after it. */
async function* readExactly(place: Buffer, { path, bytes }: ArtifactFile): AsyncGenerator<Buffer> {
  const file = await open(place).catch((thrown: unknown) => {
    throw diskError(place.toString(), thrown);
  });
  try {
    for (let at = 0; at < bytes;) {
      const length = Math.min(chunkBytes, bytes - at);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) {
        throw new PropagitError("BUILD_FAILED", `${path} became shorter while it was packed`, {
          hint: "let the build command end only when everything it started has ended",
        });
      }
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

function entry({ mode, path }: ArtifactFile, bytes: number): Buffer {
  return Buffer.from(encodeFile(mode, path, bytes), "latin1");
}

function tooLarge(files: number, bytes: number): PropagitError {
  const size = `${files} files, ${Math.ceil(bytes / 2 ** 20)} MB so far`;
  return new PropagitError("TOO_LARGE", `the build's output is too large: ${size}`, {
    hint: `an artifact has at most ${filesMax} files and ${bytesMax / 2 ** 20} MB; leave some out with build.exclude`,
  });
}
