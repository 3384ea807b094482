/**
 * What a plan is about: repositories, environments and services that it names. One that the hub does not know is
 * refused when the plan is given; found out in the middle, half of it would be done, or a machine touched that was
 * never taken out of the way.
 */
import { environmentDefault, quote, suggestion } from "@propagit/protocol";
import { asksOurBalancer, type Gate, type Plan, type Task } from "@propagit/plan";
import { isChangeCommand } from "../plan-commands/change-commands.js";
import type { LedgerRows } from "./draft.js";

/** Absent: of all that there are. */
export interface Subject {
  readonly repo?: string;
  readonly environment?: string;
  readonly service?: string;
}

/** Where something runs, or did, with the names of what does. */
export interface KnownPlace {
  readonly repo: string;
  readonly environment: string;
  readonly services: ReadonlySet<string>;
}

interface Named {
  /** For messages: `task 1.2.1 (drain)`. */
  readonly where: string;
  readonly subject: Subject;
}

/** @param running what drones say of their instances: commands of their own are in no specification */
export function knownPlaces(
  ledger: LedgerRows,
  running: Iterable<Required<Subject>>,
): readonly KnownPlace[] {
  const places = new Map<string, { repo: string; environment: string; services: Set<string> }>();
  const add = (repo: string, environment: string, services: readonly string[]) => {
    const key = `${repo}/${environment}`;
    const place = places.get(key) ?? { repo, environment, services: new Set() };
    for (const service of services) place.services.add(service);
    places.set(key, place);
  };
  for (const { repo, environment } of ledger.rows("environments").values())
    add(repo, environment, []);
  for (const { repo, environment, specification } of ledger.rows("releases").values()) {
    const names = specification.services.map(({ name }) => name);
    add(repo, environment, names);
  }
  for (const { deployment, service } of ledger.rows("spawned").values()) {
    const row = ledger.rows("deployments").get(deployment);
    if (row) add(row.repo, row.environment, [service.name]);
  }
  for (const { repo, environment, service } of running) add(repo, environment, [service]);
  return [...places.values()];
}

/**
 * @param pushed repositories that are there, whether anything of them was released or not
 * @returns what of it nobody knows, each with its place in the plan
 */
export function problemsOfSubjects(
  plan: Plan,
  known: readonly KnownPlace[],
  pushed: ReadonlySet<string> = new Set(),
): readonly string[] {
  const coming = ownPlace(plan);
  return namedIn(plan).flatMap(({ where, subject }) => {
    // What the plan itself makes is there when its turn comes.
    if (coming !== undefined && isOf(subject, coming)) return [];
    const isNew = !known.some(({ repo }) => repo === subject.repo);
    // Its first release may come while the plan waits.
    if (isNew && subject.repo !== undefined && pushed.has(subject.repo)) return [];
    const problem = problemOf(subject, known);
    return problem === undefined ? [] : [`${where}: ${problem}`];
  });
}

export function repositoriesIn(plan: Plan): ReadonlySet<string> {
  return new Set(
    namedIn(plan).flatMap(({ subject: { repo } }) => (repo === undefined ? [] : [repo])),
  );
}

/** Tasks whose drones fetch something, by repository and commit. */
export function commitsIn(plan: Plan): readonly {
  readonly where: string;
  readonly repo: string;
  readonly commit: string;
}[] {
  return tasksOf(plan).flatMap((task) => {
    const { repo, commit } = task.args;
    const isFetch = task.command === "distribute" || task.command === "checkout";
    if (!isFetch || typeof repo !== "string" || typeof commit !== "string") return [];
    return [{ where: placeOf(task), repo, commit }];
  });
}

function tasksOf({ stages, rollback = [] }: Plan): readonly Task[] {
  return [...stages, ...rollback].flatMap(({ lines }) => lines.flat());
}

function placeOf({ id, command }: Pick<Task, "id" | "command">): string {
  return `task ${id} (${command})`;
}

function namedIn(plan: Plan): readonly Named[] {
  const gates = [...plan.stages, ...(plan.rollback ?? [])].flatMap((stage, index) =>
    stage.gates.flatMap((gate, at) => {
      const subject = subjectOfGate(gate);
      return subject
        ? [{ where: `stage ${index + 1} (${stage.name}): gate ${at + 1}`, subject }]
        : [];
    }),
  );
  const tasks = tasksOf(plan).flatMap((task) => {
    const subject = subjectOfTask(task);
    return subject ? [{ where: placeOf(task), subject }] : [];
  });
  return [...tasks, ...gates];
}

function subjectOfGate(gate: Gate): Subject | undefined {
  if (gate.kind === "canary" || gate.kind === "errors" || gate.kind === "health") {
    const { repo, environment } = gate;
    const service = gate.kind === "health" ? gate.service : undefined;
    return { repo, environment, ...(service !== undefined && { service }) };
  }
  return gate.kind === "command" ? subjectOfTask(gate.task) : undefined;
}

/** Of our own balancer, and of changes of the cluster; those of a release are its own. */
function subjectOfTask({ command, args }: Task): Subject | undefined {
  const text = (key: string) => (typeof args[key] === "string" ? args[key] : undefined);
  const [repo, environment, service] = [text("repo"), text("environment"), text("service")];
  if (asksOurBalancer({ command, args })) {
    return {
      ...(repo !== undefined && { repo }),
      ...(environment !== undefined && { environment }),
      ...(service !== undefined && { service }),
    };
  }
  if (!isChangeCommand(command) || repo === undefined) return undefined;
  // What is collected of a repository is so in all its environments.
  return command === "reap" ? { repo } : { repo, environment: environment ?? environmentDefault };
}

/** Of the release that the plan makes. */
function ownPlace(plan: Plan): { readonly repo: string; readonly environment: string } | undefined {
  const open = tasksOf(plan).find(({ command }) => command === "open-release");
  if (!open) return undefined;
  const { repo, environment = environmentDefault } = open.args as Record<string, string>;
  return repo === undefined ? undefined : { repo, environment };
}

function isOf({ repo, environment }: Subject, place: Required<Omit<Subject, "service">>): boolean {
  return repo === place.repo && (environment ?? place.environment) === place.environment;
}

function problemOf(
  { repo, environment, service }: Subject,
  known: readonly KnownPlace[],
): string | undefined {
  const ofRepo = known.filter((place) => repo === undefined || place.repo === repo);
  if (repo !== undefined && ofRepo.length === 0) {
    return `the hub has no repository ${quote(repo)}${suggestion(
      repo,
      known.map((place) => place.repo),
    )}`;
  }
  const inPlace = ofRepo.filter(
    (place) => environment === undefined || place.environment === environment,
  );
  const what = repo === undefined ? "" : ` of ${repo}`;
  if (environment !== undefined && inPlace.length === 0) {
    const others = ofRepo.map((place) => place.environment);
    return `nothing${what} was ever released to ${quote(environment)}, but to ${[...new Set(others)].join(", ")}`;
  }
  if (service === undefined) return undefined;
  const services = new Set(inPlace.flatMap((place) => [...place.services]));
  if (services.has(service)) return undefined;
  return `there is no service ${quote(service)}${what}${suggestion(service, services)}`;
}
