/** Names of environments, as they come from outside. */
import { isEnvironmentName } from "@propagit/manifest";
import { PropagitError, quote } from "@propagit/protocol";

/** @throws BAD_NAME */
export function checkEnvironment(name: string): string {
  if (isEnvironmentName(name)) return name;
  throw new PropagitError("BAD_NAME", `environment name ${quote(name)} is not allowed`, {
    hint: "it becomes part of host names: 1 to 30 small letters, digits or `-`, without `--`, not like a commit's hash",
  });
}
