/** A Consul's agent as its HTTP interface is documented: maintenance, and what is healthy. */
import type { HostAnswer, HostRequest } from "../../src/index.js";

export class FakeConsul {
  /** Ids of services, and `` for all of the machine. */
  readonly maintained = new Set<string>();
  readonly calls: string[] = [];
  /** Of a service that is in no maintenance. */
  health = 200;
  token: string | undefined;

  answer({ url, method = "GET", headers = {} }: HostRequest): HostAnswer {
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace(/^\/v1\/agent\//, "");
    if (method !== "GET") this.calls.push(`${method} ${path}?enable=${searchParams.get("enable")}`);
    if (this.token !== undefined && headers["x-consul-token"] !== this.token) {
      return { status: 403, body: "Permission denied" };
    }
    if (path === "checks") return { status: 200, body: this.#checks(searchParams.get("filter")) };
    const health = /^health\/service\/id\/(.+)$/.exec(path)?.[1];
    if (health !== undefined) return this.#healthOf(decodeURIComponent(health));
    const [, id = ""] = /^(?:service\/)?maintenance(?:\/(.+))?$/.exec(path) ?? [];
    if (searchParams.get("enable") === "true") this.maintained.add(decodeURIComponent(id));
    else this.maintained.delete(decodeURIComponent(id));
    return { status: 200, body: "" };
  }

  #checks(filter: string | null): string {
    const ids = [...this.maintained].map((id) =>
      id === "" ? "_node_maintenance" : `_service_maintenance:${id}`,
    );
    const found = ids.filter((id) => filter === `CheckID == ${JSON.stringify(id)}`);
    return JSON.stringify(Object.fromEntries(found.map((id) => [id, { Status: "critical" }])));
  }

  #healthOf(id: string): HostAnswer {
    return { status: this.maintained.has(id) ? 503 : this.health, body: "" };
  }
}
