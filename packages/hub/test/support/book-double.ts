/** The book as whoever follows it has it, put together from what the hub tells. */
import { keyOfDeployment, keyOfRoute, type BookUpdate, type RouteBook } from "@propagit/protocol";

export class BookDouble {
  name: string | undefined;
  revision = 0;
  readonly #routes = new Map<string, RouteBook["routes"][number]>();
  readonly #deployments = new Map<string, RouteBook["deployments"][number]>();
  #isWhole = true;

  /** The book as it is then; undefined in the middle of a snapshot. */
  take(update: BookUpdate): RouteBook | undefined {
    if (update.kind === "snapshot") {
      if (this.#isWhole) this.#clear();
      this.name = update.book;
      this.#isWhole = update.more !== true;
    } else {
      for (const key of update.droppedRoutes) this.#routes.delete(key);
      for (const key of update.droppedDeployments) this.#deployments.delete(key);
    }
    for (const route of update.routes) this.#routes.set(keyOfRoute(route), route);
    for (const one of update.deployments) this.#deployments.set(keyOfDeployment(one), one);
    this.revision = update.revision;
    return this.#isWhole ? this.book : undefined;
  }

  get book(): RouteBook {
    const { revision } = this;
    const [routes, deployments] = [[...this.#routes.values()], [...this.#deployments.values()]];
    return { revision, routes, deployments };
  }

  #clear(): void {
    this.#routes.clear();
    this.#deployments.clear();
  }
}
