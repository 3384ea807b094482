/** Names of environments, as they come from outside. */
import { isEnvironmentName, type Manifest } from "@propagit/manifest";
import { PropagitError, quote } from "@propagit/protocol";

/** @throws BAD_NAME */
export function checkEnvironment(name: string): string {
  if (isEnvironmentName(name)) return name;
  throw new PropagitError("BAD_NAME", `environment name ${quote(name)} is not allowed`, {
    hint: "it becomes part of host names: 1 to 30 small letters, digits or `-`, without `--`, not like a commit's hash",
  });
}

/** Shorter names are told apart by a letter on purpose, as `qa` and `qb`. */
const misspelledCharsMin = 4;

/**
 * What is said of an environment that has no release yet, so that a typo is seen; nothing when the manifest
 * names it.
 *
 * @throws BAD_NAME when it is one slip away from one that the manifest names; numbers are no slip: `web-2`
 */
export function remarkNewEnvironment(
  name: string,
  { source, environments }: Pick<Manifest, "source" | "environments">,
): string | undefined {
  if (environments.includes(name)) return undefined;
  const meant = environments.find((known) => isSlip(name, known));
  if (meant !== undefined) {
    throw new PropagitError(
      "BAD_NAME",
      `there is no environment ${quote(name)} yet, and it is one slip away from ${quote(meant)}`,
      {
        hint: `did you mean ${meant}? If not, name ${name} under \`environments\` in propagit.yaml`,
      },
    );
  }
  if (source === undefined) return `environment ${name} is new`;
  return `environment ${name} is new; ${source} names ${environments.join(", ")}`;
}

/** Whether a letter too many, too few or wrong, or two that changed places, make one of the other. */
function isSlip(left: string, right: string): boolean {
  if (Math.min(left.length, right.length) < misspelledCharsMin) return false;
  let start = 0;
  while (start < left.length && left[start] === right[start]) start++;
  let end = 0;
  const common = Math.min(left.length, right.length) - start;
  while (end < common && left.at(-1 - end) === right.at(-1 - end)) end++;
  const [one, other] = [left, right].map((name) => name.slice(start, name.length - end));
  if (one === undefined || other === undefined || /\d/.test(one + other)) return false;
  const isSwapped = one.length === 2 && one === other.charAt(1) + other.charAt(0);
  return isSwapped || Math.max(one.length, other.length) === 1;
}
