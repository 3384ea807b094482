import { existsSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { formatAddress, parseRepoName, PropagitError } from "@propagit/protocol";
import { nodeDisk } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { findHubAccess, withHubFlags, type HubAccess, type HubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { folderFiles } from "../project/folder-files.js";
import { findProject } from "../project/found.js";
import { currentBranch, git, projectFolder } from "../project/git-project.js";
import { readRemotes } from "../project/remotes.js";
import { gitUrl, setUpGit } from "../project/set-up-git.js";
import { manifestText } from "../project/write-manifest.js";
import { schemaFile } from "../program-files.js";

interface InitFlags extends HubFlags {
  readonly force?: boolean;
}

/** Name of the git remote, as in `git push hub main`. */
const gitRemoteName = "hub";

export function initCommand(): Command {
  const command = withHubFlags(
    new Command("init")
      .summary("make a project ready to be pushed to a hub")
      .description(
        "Writes a propagit.yaml for what it finds in the project, adds the git remote `hub`, and makes git ask `propagit credential` for the hub's secret, so that none is in a URL or file of the project.",
      )
      .argument("[name]", "the repository's name on the hub (default: the folder's)"),
  ).option("--force", "replace the propagit.yaml and the git remote that are there");
  return examples(command, ["propagit init", "propagit init webapp --hub=work"]).action(init);
}

async function init(name: string | undefined, flags: InitFlags): Promise<void> {
  const before = projectFolder(".");
  if (before === undefined) git(".", "init", "--quiet", "--initial-branch=main");
  const folder = before ?? resolve(".");
  if (before === undefined) print("made a git repository\n");
  const repo = name === undefined ? repoNameOf(basename(folder)) : parseRepoName(name);
  const branch = currentBranch(folder) ?? "main";
  await writeManifest(folder, branch, flags.force ?? false);
  const access = knownHub(flags);
  if (access) {
    const url = gitUrl(access.hub, repo);
    setUpGit({ folder, remote: gitRemoteName, url, force: flags.force ?? false });
    print(`git remote \`${gitRemoteName}\` is ${url}\n`);
    warnOfSecret(access);
  }
  print(nextSteps(folder, branch, access));
}

async function writeManifest(folder: string, branch: string, force: boolean): Promise<void> {
  const files = folderFiles(folder);
  const there = ["propagit.yaml", "propagit.yml"].find((path) => files.has(path));
  if (there !== undefined && !force) {
    print(`${there} is there already and stays as it is; --force replaces it\n`);
    return;
  }
  const found = findProject(files);
  const path = there ?? "propagit.yaml";
  const text = manifestText({ found, branch, schema: schemaFor(folder) });
  await nodeDisk.writeAtomic(join(folder, path), text);
  const names = found.services.map(({ name, command }) => `${name}: ${command}`);
  print(`wrote ${path} from ${found.from}:\n${names.map((line) => `  ${line}\n`).join("")}`);
  for (const hint of found.hints) print(`  note: ${hint}\n`);
}

/** Within the project when propagit is installed there, so that it holds for everybody who has it. */
function schemaFor(folder: string): string {
  const own = join(folder, "node_modules/propagit/dist/propagit.schema.json");
  return existsSync(own) ? `./${relative(folder, own)}` : pathToFileURL(schemaFile).href;
}

/** Undefined when nothing says which hub: everything else can be done without. */
function knownHub(flags: HubFlags): HubAccess | undefined {
  const { PROPAGIT_HUB: fromEnv } = process.env;
  const isNamed = flags.hub !== undefined || Boolean(fromEnv) || readRemotes().length > 0;
  return isNamed ? findHubAccess(flags) : undefined;
}

function warnOfSecret({ hub, remote, secret }: HubAccess): void {
  if (remote !== undefined && secret !== undefined) return;
  const address = formatAddress(hub);
  print(
    `  note: git will ask for the hub's secret; keep it once: propagit remote add default ${address}\n`,
  );
}

function nextSteps(folder: string, branch: string, access: HubAccess | undefined): string {
  const isClean = git(folder, "status", "--porcelain") === "";
  const steps = [
    ...(access
      ? []
      : ["propagit up        # or: propagit remote add default HOST:6001", "propagit init"]),
    "propagit check",
    ...(isClean ? [] : ["git add --all && git commit --message='first release'"]),
    ...(access ? [`git push ${gitRemoteName} ${branch}`] : []),
  ];
  return `\nnext:\n${steps.map((step) => `  ${step}\n`).join("")}`;
}

/** The folder's name as a repository's: what is not allowed becomes `-`. */
export function repoNameOf(folder: string): string {
  const name = folder
    .replace(/\.git$/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/-{2,}/g, "-")
    .replaceAll(/\.{2,}/g, ".")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 50)
    .replace(/[^A-Za-z0-9]+$/, "");
  try {
    return parseRepoName(name);
  } catch (thrown) {
    throw new PropagitError(
      "BAD_NAME",
      `no repository's name can be made of ${JSON.stringify(folder)}`,
      {
        hint: "give one: propagit init NAME",
        cause: thrown,
      },
    );
  }
}
