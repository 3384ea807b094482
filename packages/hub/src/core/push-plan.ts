/**
 * What a push sets in motion: which of its branches are deployed where, said by the manifest of each
 * commit and by what was given with `git push -o`.
 */
import {
  environmentOfBranch,
  readManifest,
  specificationOf,
  type BranchRule,
} from "@propagit/manifest";
import { environmentDefault, PropagitError, quote, type CommitHash } from "@propagit/protocol";

export interface PushOptions {
  readonly deploy: boolean;
  /** Where to, whatever the manifest says. */
  readonly environment: string | undefined;
  /** Undefined: as the manifest says. */
  readonly promote: boolean | undefined;
}

/** A branch with what its new commit says of itself. */
export interface PushedBranch {
  readonly branch: string;
  readonly commit: CommitHash;
  readonly files: ReadonlyMap<string, string>;
}

export interface PushedDeploy {
  readonly branch: string;
  readonly commit: CommitHash;
  readonly environment: string;
  readonly promote: boolean | undefined;
}

const optionsHint =
  "these are known: -o deploy=no, -o env=ENVIRONMENT, -o promote=no (each also with =yes)";

/** @throws BAD_USAGE when one is not known */
export function parsePushOptions(options: readonly string[]): PushOptions {
  const given = new Map<string, string>();
  for (const option of options) {
    const match = /^(deploy|env|promote)=(.+)$/s.exec(option);
    if (!match) throw wrongOption(option);
    const [, name = "", value = ""] = match;
    if (name !== "env" && value !== "yes" && value !== "no") throw wrongOption(option);
    given.set(name, value);
  }
  const promote = given.get("promote");
  return {
    deploy: given.get("deploy") !== "no",
    environment: parseEnvironment(given.get("env")),
    promote: promote === undefined ? undefined : promote === "yes",
  };
}

/**
 * The deploys that branches lead to.
 *
 * @throws BAD_MANIFEST, BAD_USAGE
 */
export function planPush(
  branches: readonly PushedBranch[],
  { deploy, environment, promote }: PushOptions,
): readonly PushedDeploy[] {
  if (!deploy) return [];
  if (environment !== undefined && branches.length > 1) {
    const names = branches.map(({ branch }) => branch).join(", ");
    throw new PropagitError(
      "BAD_USAGE",
      `-o env=${environment} is for one branch, and these were pushed: ${names}`,
      { hint: "push them one after the other" },
    );
  }
  return branches.flatMap((pushed) => {
    const rule = ruleOf(pushed, environment);
    if (!rule) return [];
    const { branch, commit } = pushed;
    return [{ branch, commit, environment: rule.environment, promote: promote ?? rule.promote }];
  });
}

/** @throws BAD_MANIFEST, also when the environment it leads to cannot be */
function ruleOf(
  { branch, files }: PushedBranch,
  environment: string | undefined,
): BranchRule | undefined {
  const manifest = readManifest(files);
  const mapped = environmentOfBranch(manifest, branch);
  const rule =
    environment === undefined ? mapped : { branch, environment, promote: mapped?.promote };
  specificationOf(manifest, rule?.environment ?? environmentDefault);
  return rule;
}

function parseEnvironment(name: string | undefined): string | undefined {
  if (name === undefined || /^(?!.*--)[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name)) return name;
  throw new PropagitError("BAD_NAME", `environment name ${quote(name)} is not allowed`, {
    hint: "use letters, digits, `.`, `_` and `-`",
  });
}

function wrongOption(option: string): PropagitError {
  return new PropagitError("BAD_USAGE", `push option ${quote(option)} is not known`, {
    hint: optionsHint,
  });
}
