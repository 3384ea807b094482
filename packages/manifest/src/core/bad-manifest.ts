/** The error that tells what is wrong with a manifest. */
import { PropagitError } from "@propagit/protocol";
import { formatProblems, type Problem } from "@propagit/shapes";

export function badManifest(problems: readonly Problem[]): PropagitError {
  return new PropagitError("BAD_MANIFEST", formatProblems(problems));
}
