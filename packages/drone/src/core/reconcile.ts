/** What to do so that what runs becomes what is desired. */
import type { Assignment } from "@propagit/protocol";

/** One instance that should run: a slot of a service of a deployment. */
export interface Wanted {
  readonly assignment: Assignment;
  readonly service: string;
  readonly slot: number;
}

/** An instance as far as this decision needs it. */
export interface Running {
  readonly process: string;
  readonly deployment: string;
  readonly service: string;
  readonly slot: number;
  /** It is on its way out and will be gone; its place is taken until then. */
  readonly isEnding: boolean;
}

export interface Reconciliation {
  readonly start: readonly Wanted[];
  /** PROCESS_IDs. */
  readonly stop: readonly string[];
  /** PROCESS_IDs of those that stay. */
  readonly keep: readonly string[];
}

/**
 * Every instance that a drone should run.
 *
 * @param ownService the service of a drone with a command of its own, which runs that once
 */
export function wantedOf(
  assignments: readonly Assignment[],
  ownService: string | undefined,
): readonly Wanted[] {
  return assignments.flatMap((assignment) => {
    if (ownService !== undefined) return [{ assignment, service: ownService, slot: 1 }];
    return assignment.services.flatMap(({ service, instances, held }) =>
      slotsOf(instances, held).map((slot) => ({ assignment, service, slot })),
    );
  });
}

/** The lowest, without those that somebody ended and that are not to come back by themselves. */
function slotsOf(instances: number, held: readonly number[] = []): readonly number[] {
  const ended = new Set(held);
  // However many are held below, there are enough above.
  const candidates = Array.from({ length: instances + ended.size }, (_, index) => index + 1);
  return candidates.filter((slot) => !ended.has(slot)).slice(0, instances);
}

/**
 * A slot that is wanted again while its old instance still ends is not filled yet: two processes of one
 * slot never overlap. The caller asks again when that instance is gone.
 */
export function reconcile(wanted: readonly Wanted[], running: readonly Running[]): Reconciliation {
  const places = new Map(wanted.map((one) => [placeOf(one.assignment.id, one), one]));
  const taken = new Set<string>();
  const stop: string[] = [];
  const keep: string[] = [];
  for (const instance of running) {
    const place = placeOf(instance.deployment, instance);
    const isSecond = taken.has(place);
    taken.add(place);
    if (instance.isEnding) continue;
    // Two of one slot come only from notes on disk that somebody meddled with; one of them goes.
    (places.has(place) && !isSecond ? keep : stop).push(instance.process);
  }
  return {
    start: [...places].filter(([place]) => !taken.has(place)).map(([, one]) => one),
    stop,
    keep,
  };
}

export function placeOf(
  deployment: string,
  { service, slot }: { readonly service: string; readonly slot: number },
): string {
  return `${deployment} ${service} ${slot}`;
}
