/** Opens the page for who watches a hub, with what it knows at the moment it is asked. */
import { MetricsPage, type World } from "@propagit/runtime";
import { hubMetricsText } from "../core/metrics-text.js";
import { SwarmTally } from "../core/swarm-tally.js";
import type { HubSight } from "../hub.js";
import { Paced } from "../paced.js";

export interface HubMetricsOptions {
  readonly world: Pick<World, "clock">;
  readonly sight: HubSight;
  readonly version: string;
  readonly port: number;
  /** Default: this machine only. */
  readonly host?: string;
}

export interface HubMetricsPage {
  readonly port: number;
  stop(): Promise<void>;
}

/** Between two looks at all artifacts: what goes before it was looked at is not counted. */
const lookMs = 1_000;

/** @throws PORT_IN_USE, BAD_USAGE */
export async function openHubMetrics(options: HubMetricsOptions): Promise<HubMetricsPage> {
  const { world, sight, version, port, host } = options;
  const { clock } = world;
  const { swarm } = sight;
  const startedAt = clock.now();
  const tally = new SwarmTally(startedAt);
  const look = () => {
    const views = swarm.views();
    tally.look(views, clock.now());
    return views;
  };
  const paced = new Paced(clock, () => lookMs, look);
  const page = await MetricsPage.open({
    port,
    ...(host !== undefined && { host }),
    whyDown: () => undefined,
    text: async () =>
      hubMetricsText({ version, startedAt, drones: sight.drones, views: look(), tally }),
  });
  const listening = swarm.listen({ changed: () => paced.ask() });
  return {
    port: page.port,
    stop: async () => {
      listening.stop();
      paced.stop();
      await page.stop();
    },
  };
}
