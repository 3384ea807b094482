/** Traffic for `top`: once, or each second until the caller has had enough. */
import type { Params, Result } from "@propagit/protocol";
import { aborted, sleep, type Clock, type IncomingCall } from "@propagit/runtime";
import { trafficSight, type SightSource } from "./core/traffic-sight.js";

const everyMs = 1_000;

export async function followTraffic(
  clock: Clock,
  source: () => SightSource,
  { repo, environment, follow }: Params<"hub.traffic">,
  call: IncomingCall<"hub.traffic">,
): Promise<Result<"hub.traffic">> {
  const filter = {
    ...(repo !== undefined && { repo }),
    ...(environment !== undefined && { environment }),
  };
  const show = () => call.part(trafficSight(source(), filter, clock.now()));
  show();
  if (!follow) return {};
  const left = aborted(call.signal);
  while (!call.signal.aborted) {
    await Promise.race([sleep(clock, everyMs), left]);
    show();
  }
  return {};
}
