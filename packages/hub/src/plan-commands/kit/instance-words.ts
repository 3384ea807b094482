/** Words by which commands say which instances they mean; all that is said must fit. */
import type { InstanceTarget } from "@propagit/protocol";
import { described, list, text } from "@propagit/shapes";
import type { TaskDraft } from "@propagit/plan";
import { someOf } from "../../core/some-of.js";

const nameCharsMax = 63;
/** As many as may be asked for directly. */
const [servicesMax, processesMax, dronesMax] = [100, 1_000, 10_000];
const namedMax = 5;

export const instanceWords = {
  repo: described("The repository (all).", text({ max: nameCharsMax })),
  environment: described("Where it is deployed (anywhere).", text({ max: nameCharsMax })),
  release: described("The number of a release, or a commit.", text({ max: 250 })),
  services: described("Of these services only.", list(text({ max: nameCharsMax }), servicesMax)),
  processes: described("These ids only, or what begins so.", list(text({ max: 40 }), processesMax)),
  drones: described("On these drones only.", list(text({ max: 1_000 }), dronesMax)),
  selector: described("On drones with these labels only.", text({ max: 1_000 })),
};

export interface InstanceWords {
  readonly repo?: string | undefined;
  readonly environment?: string | undefined;
  readonly release?: string | undefined;
  readonly services?: readonly string[] | undefined;
  readonly processes?: readonly string[] | undefined;
  readonly drones?: readonly string[] | undefined;
  readonly selector?: string | undefined;
}

export function targetOf(words: InstanceWords): InstanceTarget {
  const { repo, environment, release, services, processes, drones: names, selector } = words;
  return {
    ...(repo !== undefined && { repo }),
    ...(environment !== undefined && { environment }),
    ...(release !== undefined && { release }),
    ...(services && { services: [...services] }),
    ...(processes && { processes: [...processes] }),
    ...((names !== undefined || selector !== undefined) && {
      drones: { ...(names && { names: [...names] }), ...(selector !== undefined && { selector }) },
    }),
  };
}

/** A target as a task says it. An empty selector, which every drone fits, says nothing. */
export function targetWords({ drones, ...said }: InstanceTarget): Omit<TaskDraft, "command"> {
  const { names, selector = "" } = drones ?? {};
  return { ...said, ...(names && { drones: names }), ...(selector !== "" && { selector }) };
}

/** `instances of webapp, service web, on web-1` */
export function namedInstances(words: InstanceWords): string {
  const { repo = "all repositories", environment, release, services, processes } = words;
  const of = release === undefined ? repo : `${repo}@${release}`;
  const parts = [
    `instances of ${of}${environment === undefined ? "" : ` in ${environment}`}`,
    ...(services ? [`service ${someOf(services, namedMax)}`] : []),
    ...(processes ? [`process ${someOf(processes, namedMax)}`] : []),
    ...(words.drones ? [`on ${someOf(words.drones, namedMax)}`] : []),
    ...(words.selector === undefined ? [] : [`on drones with ${words.selector}`]),
  ];
  return parts.join(", ");
}
