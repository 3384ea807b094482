/** The processes that `up` runs: in which order they start and end, and what each is called with. */
import { join } from "node:path";
import { propagitProgramFile, registryProgramFile } from "../program-files.js";
import { Child, type ChildPlan, type ChildWatch } from "./child.js";

export interface CrewOptions {
  readonly dataFolder: string;
  readonly secretFile: string;
  readonly hubPort: number;
  readonly registryPort: number;
  readonly proxyPort: number;
  readonly host: string | undefined;
  readonly domain: string | undefined;
}

type Part = "registry" | "hub" | "drone" | "proxy";

/** From the signal to SIGKILL: longer than a drone gives its instances. */
const stopMs = 60_000;

export function planCrew(
  options: CrewOptions,
  env = process.env,
): Readonly<Record<Part, ChildPlan>> {
  const { dataFolder, secretFile, hubPort, registryPort, proxyPort, host, domain } = options;
  const hub = `--hub=localhost:${hubPort}`;
  const at = host === undefined ? [] : [`--host=${host}`];
  const below = domain === undefined ? [] : [`--domain=${domain}`];
  const common = (part: Part) => [
    `--secret-file=${secretFile}`,
    `--data=${join(dataFolder, part)}`,
  ];
  const plan = (name: Part, program: string, words: readonly string[], ...readyWhen: RegExp[]) => ({
    name,
    command: [process.execPath, program, ...words, ...common(name)] as const,
    env: withoutHub(env),
    readyWhen,
  });
  const cli = propagitProgramFile;
  return {
    registry: plan("registry", registryProgramFile, [`${registryPort}`, ...at], /listening on/),
    hub: plan(
      "hub",
      cli,
      [
        "hub",
        `--port=${hubPort}`,
        `--registry=localhost:${registryPort}`,
        `--proxy-url=http://${domain ?? "localhost"}:${proxyPort}`,
        ...at,
      ],
      /listening on/,
    ),
    drone: plan("drone", cli, ["drone", hub], /connected to the hub/),
    proxy: plan(
      "proxy",
      cli,
      ["proxy", hub, `--port=${proxyPort}`, ...at, ...below],
      /listening on/,
      /follows registry/,
    ),
  };
}

/** What names another hub or secret is not for these. */
function withoutHub(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const {
    PROPAGIT_HUB: _hub,
    PROPAGIT_SECRET: _secret,
    PROPAGIT_SECRET_FILE: _file,
    PROPAGIT_REGISTRY: _registry,
    ...rest
  } = env;
  return rest;
}

export class Crew {
  readonly #children: Readonly<Record<Part, Child>>;

  constructor(plans: Readonly<Record<Part, ChildPlan>>, watch: ChildWatch) {
    const child = (part: Part) => new Child(plans[part], watch);
    this.#children = {
      registry: child("registry"),
      hub: child("hub"),
      drone: child("drone"),
      proxy: child("proxy"),
    };
  }

  /** Each when what it needs works. @throws COMMAND_FAILED when one of them does not come up */
  async start(): Promise<void> {
    const { registry, hub, drone, proxy } = this.#children;
    await registry.start();
    await hub.start();
    await Promise.all([drone.start(), proxy.start()]);
  }

  /**
   * Visitors first, then what runs, then those that keep the books.
   *
   * @param instances `end`: they end with the drone; `stay`: the next drone finds them again
   */
  async stop(instances: "end" | "stay"): Promise<void> {
    const { registry, hub, drone, proxy } = this.#children;
    await proxy.stop("SIGTERM", stopMs);
    await drone.stop(instances === "end" ? "SIGINT" : "SIGTERM", stopMs);
    await hub.stop("SIGTERM", stopMs);
    await registry.stop("SIGTERM", stopMs);
  }
}
