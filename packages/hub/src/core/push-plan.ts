/**
 * What a push sets in motion: which of its branches are deployed where, said by the manifest of each
 * commit and by what was given with `git push -o`.
 */
import {
  environmentOfBranch,
  readManifest,
  type BranchRule,
  type Manifest,
} from "@propagit/manifest";
import { PropagitError, quote, type CommitHash } from "@propagit/protocol";
import { checkEnvironment } from "./environment-name.js";

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

/** @throws BAD_USAGE, BAD_NAME */
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

export interface PushPlan {
  readonly deploys: readonly PushedDeploy[];
  /** What is allowed in their manifests but probably not meant. */
  readonly warnings: readonly string[];
}

export const emptyPushPlan: PushPlan = { deploys: [], warnings: [] };

/**
 * What branches lead to. A manifest that is wrong for any environment is wrong, also on a branch that
 * leads nowhere: it would be merged one day.
 *
 * @throws BAD_MANIFEST, BAD_USAGE
 */
export function planPush(
  branches: readonly PushedBranch[],
  { deploy, environment, promote }: PushOptions,
): PushPlan {
  if (!deploy) return emptyPushPlan;
  if (environment !== undefined && branches.length > 1) {
    const names = branches.map(({ branch }) => branch).join(", ");
    throw new PropagitError(
      "BAD_USAGE",
      `-o env=${environment} is for one branch, and these were pushed: ${names}`,
      { hint: "push them one after the other" },
    );
  }
  const plans = branches.map(({ branch, commit, files }) => {
    const manifest = readManifest(files);
    const rule = ruleOf(manifest, branch, environment);
    const deploys = rule
      ? [{ branch, commit, environment: rule.environment, promote: promote ?? rule.promote }]
      : [];
    return { deploys, warnings: manifest.warnings };
  });
  return {
    deploys: plans.flatMap(({ deploys }) => deploys),
    warnings: [...new Set(plans.flatMap(({ warnings }) => warnings))],
  };
}

function ruleOf(
  manifest: Manifest,
  branch: string,
  environment: string | undefined,
): BranchRule | undefined {
  const mapped = environmentOfBranch(manifest, branch);
  if (environment === undefined) return mapped;
  return { branch, environment, promote: mapped?.promote };
}

function parseEnvironment(name: string | undefined): string | undefined {
  return name === undefined ? undefined : checkEnvironment(name);
}

function wrongOption(option: string): PropagitError {
  return new PropagitError("BAD_USAGE", `push option ${quote(option)} is not known`, {
    hint: optionsHint,
  });
}
