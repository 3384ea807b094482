/**
 * What a deployment is called: the same repo, environment, commit, services, build and config have the same
 * id, so that going back to something that still runs starts nothing.
 *
 * Settings enter under the hub's own key, so that an id gives nothing away about a secret.
 */
import { canonicalJson, type Crypto, type Specification, type Variables } from "@propagit/protocol";

export interface DeploymentContent {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  readonly specification: Specification;
  /** Settings in clear. */
  readonly variables: Variables;
}

const idChars = 16;

export function deploymentIdOf(
  crypto: Pick<Crypto, "mac">,
  key: string,
  { repo, environment, commit, specification, variables }: DeploymentContent,
): string {
  const { services, build } = specification;
  // How many there are, and where, changes nothing of what one of them is.
  const run = services.map((service) => ({
    ...service,
    instances: undefined,
    on: undefined,
    minUp: undefined,
  }));
  const content = [repo, environment, commit, run, build ?? null, variables];
  return crypto.mac(key, `deployment ${canonicalJson(content)}`).slice(0, idChars);
}
