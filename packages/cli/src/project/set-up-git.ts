/** Makes a project's git know its hub: a remote without a secret in it, and who answers for the secret. */
import { PropagitError, type Address } from "@propagit/protocol";
import { propagitProgramFile } from "../program-files.js";
import { git, gitRemotes } from "./git-project.js";

export interface GitSetUp {
  readonly folder: string;
  /** Name of the git remote. */
  readonly remote: string;
  /** `http://host:port/repo` */
  readonly url: string;
  /** Replaces a remote of the same name. */
  readonly force: boolean;
}

/** @throws EXISTS when the remote leads elsewhere; NO_GIT */
export function setUpGit({ folder, remote, url, force }: GitSetUp, env = process.env): void {
  const before = gitRemotes(folder).find(({ name }) => name === remote)?.url;
  if (before !== undefined && before !== url && !force) {
    throw new PropagitError("EXISTS", `the git remote ${remote} is ${before} already`, {
      hint: "remove it with `git remote rm`, or add --force",
    });
  }
  if (before === undefined) run(folder, "remote", "add", remote, url);
  else if (before !== url) run(folder, "remote", "set-url", remote, url);
  const key = `credential.${new URL(url).origin}.helper`;
  // The empty one first: other helpers, asked as well, would write the secret down.
  run(folder, "config", "--local", "--replace-all", key, "");
  run(folder, "config", "--local", "--add", key, helperCommand(env));
}

export function gitUrl(hub: Address, repo: string): string {
  const host = hub.host.includes(":") ? `[${hub.host}]` : hub.host;
  return `http://${host}:${hub.port}/${repo}`;
}

/** This very program, wherever it is installed, with the folder that it was called with. */
function helperCommand(env: NodeJS.ProcessEnv): string {
  const { PROPAGIT_HOME: home } = env;
  const words = [process.execPath, propagitProgramFile, "credential"].map(quoted);
  return `!${[...(home ? [`PROPAGIT_HOME=${quoted(home)}`] : []), ...words].join(" ")}`;
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function run(folder: string, ...args: readonly string[]): void {
  if (git(folder, ...args) !== undefined) return;
  throw new PropagitError("BAD_USAGE", `git refused: git ${args.join(" ")}`, {
    hint: "try it by hand in the project; its message says why",
  });
}
