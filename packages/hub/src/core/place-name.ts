/** A repository in an environment, in messages. */
import { environmentDefault } from "@propagit/protocol";

export interface NamedPlace {
  readonly repo: string;
  readonly environment: string;
}

/** `webapp`, or `webapp in staging`. */
export function placeName({ repo, environment }: NamedPlace): string {
  return environment === environmentDefault ? repo : `${repo} in ${environment}`;
}
