/** A proxy of one's own, without hub or registry: a function decides. */
import { Engine, type EngineLimits } from "@propagit/http";
import { nodeClock, nodeRandom, textLog, type Log } from "@propagit/runtime";
import { engineAnswer } from "../answers.js";
import { LibraryDirector, type Route } from "../library.js";
import { drainMsMax } from "./server.js";

export interface CreateProxyOptions {
  /**
   * Says what becomes of a request; may take its time. What it throws is told to `onError`, and the visitor
   * gets 500.
   */
  readonly route: Route;
  /** Default: to standard error. */
  readonly onError?: (error: unknown) => void;
  /** Networks whose X-Forwarded-* headers are believed, such as `10.0.0.0/8`; default: none. */
  readonly trusted?: readonly string[];
  /** Sizes and times, in bytes and ms. */
  readonly limits?: Partial<EngineLimits>;
  /** What it says about itself; default: to standard error. */
  readonly log?: Log;
}

export interface CreatedProxy {
  /**
   * Starts to take requests; port 0 takes a free one.
   *
   * @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all
   */
  listen(options: { readonly port: number; readonly host?: string }): Promise<{ port: number }>;
  /** Takes nobody new, finishes what is on its way (at most 10 s), and ends. */
  stop(): Promise<void>;
}

/**
 * A proxy that goes by a function: `to` sends a request on, `status` answers it.
 *
 * @example
 * ```ts
 * const proxy = createProxy({
 *   route({ host, path }) {
 *     if (path.startsWith("/api/")) return { to: ["10.0.0.1:80", "10.0.0.2:80"], path: path.slice(4) };
 *     if (host === "beep.example") return { to: 8001, headers: { set: { "X-From": "outside" } } };
 *     return { status: 404, body: "nothing here\n" };
 *   },
 * });
 * await proxy.listen({ port: 8000 });
 * ```
 */
export function createProxy(options: CreateProxyOptions): CreatedProxy {
  const {
    route,
    trusted,
    limits,
    log = textLog("proxy", (line) => process.stderr.write(line)),
  } = options;
  const onError =
    options.onError ??
    ((error: unknown) => log.warn(`the route function failed: ${String(error)}`));
  const director = new LibraryDirector({ route, clock: nodeClock, random: nodeRandom, onError });
  const engine = new Engine({
    director,
    refuse: (refusal) => engineAnswer(refusal, []),
    log,
    ...(trusted && { trusted }),
    ...(limits && { limits }),
  });
  return {
    listen: async (where) => ({ port: (await engine.listen(where)).port }),
    stop: () => engine.stop({ graceMs: drainMsMax }),
  };
}
