/**
 * What makes plans of a configuration. A generator looks, and gives stages back; nothing that it is given can
 * change anything.
 *
 *     configuration, packages asked for, versions on the hosts --> generate --> stages --> checked like any plan
 */
import type { Log } from "@propagit/runtime";
import type { Shape } from "@propagit/shapes";
import type { WrittenStage } from "../core/write-plan.js";

export interface Generator<Config = unknown> {
  /** Words with `-` between them, as `generator:` in a configuration names it. */
  readonly name: string;
  /** One line for lists. */
  readonly summary: string;
  /** What its configuration says, made of `object`; beside `generator`, `environments` and `defaults`. */
  readonly config: Shape<Config>;
  /** @throws anything: told as its failure, nothing is planned then */
  generate(asked: Asked<Config>): GeneratedPlan | Promise<GeneratedPlan>;
}

/** A plan as it is written; its stages without tasks are left out. */
export interface GeneratedPlan {
  readonly name: string;
  readonly stages: readonly WrittenStage[];
  readonly rollback?: { readonly stages: readonly WrittenStage[] };
}

/** What a plan is asked for. */
export interface Asked<Config> extends PlanWish {
  /** Merged, checked, with its defaults. */
  readonly config: Config;
  /** For people: it is printed, and in no plan. */
  readonly log: Log;
  /**
   * Which versions are where, by links that name them: `{ service: "web", host: "fe001", link: "/srv/web/current" }`
   * is 1.2.3 when the link leads to `web-1.2.3`. Of a drone, `{ service: "web", drone: "web-1", repo: "shop" }`, it is
   * the commit that its instances run, in full. Asks the hosts and the hub, reading only.
   *
   * @throws BAD_CONFIG when a place says what it may not, HOST_LOST, HOST_DENIED, UNREACHABLE
   */
  readonly versions: (places: readonly VersionPlace[]) => Promise<Versions>;
  /**
   * Instances on the drones of the hub, as it knows them now: also those that are starting, failed, or whose drone is
   * away.
   *
   * @param repo of it alone; absent: of all
   * @throws UNREACHABLE, and BAD_CONFIG when there is no hub to ask
   */
  readonly running: (repo?: string) => Promise<readonly RunningInstance[]>;
}

export interface PlanWish {
  /** As it was asked for, also when it inherits another one. */
  readonly environment?: string;
  readonly packages: readonly Package[];
  /** Only these; none: all. */
  readonly hosts: readonly string[];
  /** Also what is there already. */
  readonly redeploy: boolean;
  /** Also what is refused else. */
  readonly force: boolean;
}

/** A version of a service that is to be deployed. */
export interface Package {
  readonly service: string;
  readonly version: string;
  /** Absolute, on this machine; absent when only the version was given. */
  readonly file?: string;
}

/** Where a version is looked for: a link of a host, or what runs on a drone. */
export type VersionPlace =
  | {
      readonly service: string;
      /** As tasks name it; absent: this machine. */
      readonly host?: string;
      /** A link to what is deployed, whose name ends with the version: `web-1.2.3`. */
      readonly link: string;
    }
  | {
      readonly service: string;
      readonly drone: string;
      /** Absent: of any. */
      readonly repo?: string;
      /** Absent: of any. */
      readonly environment?: string;
    };

/** One process on a drone. */
export interface RunningInstance {
  readonly drone: string;
  readonly repo: string;
  readonly environment: string;
  readonly service: string;
  readonly commit: string;
  /** Number of the release that it was started for. */
  readonly release?: number;
  /** `ready`, `starting`, `failed`, … */
  readonly phase: string;
  /** The drone cannot be reached: this is what it said last. */
  readonly away: boolean;
}

export interface Versions {
  /** Of a host or a drone; undefined where none is. */
  of(service: string, where?: string): string | undefined;
}

/** What can be seen of a host while a plan is made: nothing here changes it. */
export interface HostView {
  /** What a link says; undefined when there is none. */
  linkTarget(path: string): Promise<string | undefined>;
}

/** All that making a plan has of the world. */
export interface PlannerWorld {
  readonly log: Log;
  /** @param host absent: this machine */
  look(host: string | undefined): HostView;
  /** What the hub knows of instances; absent where no hub is. */
  readonly running?: () => Promise<readonly RunningInstance[]>;
}

/**
 * A generator, with its configuration's type inferred.
 *
 * @example
 * const greetings = defineGenerator({
 *   name: "greetings",
 *   summary: "Greets everybody",
 *   config: object({ people: list(text(), 100) }, ["people"]),
 *   generate: ({ config: { people } }) => ({
 *     name: "Greetings",
 *     stages: [{ name: "greet", tasks: people.map((who) => ({ command: "greet", who })) }],
 *   }),
 * });
 */
export function defineGenerator<Config>(generator: Generator<Config>): Generator<Config> {
  return generator;
}
