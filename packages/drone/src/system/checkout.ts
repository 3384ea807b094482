/** Writes the files of a commit into a folder, and compares them with the commit. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactEmail } from "../core/artifact-import.js";
import { checkFiles } from "./checkout-check.js";
import { git, type GitRun } from "./git.js";

const checkOutMsMax = 10 * 60_000;

export interface CheckOutRequest {
  readonly repo: string;
  readonly commit: string;
  /** Made here; empty or not there yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** @throws a readable reason, DATA_UNUSABLE when the disk is full, or a file is not what the commit says */
export async function writeFiles({ repo, commit, folder, signal }: CheckOutRequest): Promise<void> {
  // An index of its own: two checkouts of one repository never meet.
  const index = `${folder}.index`;
  const run: GitRun = { folder, signal, limitMs: checkOutMsMax };
  try {
    await mkdir(folder, { recursive: true });
    const gitFolder = (await isArtifact(repo, commit, signal)) ? await makeRaw(repo, folder) : repo;
    const environment = {
      GIT_DIR: gitFolder,
      GIT_OBJECT_DIRECTORY: join(repo, "objects"),
      GIT_WORK_TREE: folder,
      GIT_INDEX_FILE: index,
    };
    const inFolder = { ...run, environment };
    await git(["read-tree", commit], inFolder);
    await git(["checkout-index", "--all", "--quiet"], inFolder);
    await checkFiles({ commit, folder, run: inFolder });
  } finally {
    await rm(index, { force: true });
    await rm(rawFolderOf(folder), { recursive: true, force: true });
  }
}

/** Attributes for a repository that are stronger than those of the files: bytes go in and out as they are. */
const rawAttributes = "* -text -ident -filter !working-tree-encoding\n";

/**
 * What a build left must come out as it was, whatever a `.gitattributes` in it says about line ends; the
 * files of a commit that somebody made come out as git does it everywhere.
 */
async function isArtifact(repo: string, commit: string, signal: AbortSignal): Promise<boolean> {
  const email = await git(["show", "--no-patch", "--format=%ce", commit], { folder: repo, signal });
  return email.trim() === artifactEmail;
}

/** A repository without objects of its own, whose attributes switch all others off. */
async function makeRaw(repo: string, folder: string): Promise<string> {
  const raw = rawFolderOf(folder);
  const format = await git(["rev-parse", "--show-object-format"], { folder: repo });
  await git(["init", "--quiet", "--bare", "--template=", `--object-format=${format.trim()}`, raw], {
    folder,
  });
  await mkdir(join(raw, "info"), { recursive: true });
  await writeFile(join(raw, "info", "attributes"), rawAttributes);
  return raw;
}

function rawFolderOf(folder: string): string {
  return `${folder}.raw`;
}
