/** How long a manifest may be. */
import type { Limits } from "@propagit/shapes";

/**
 * Those that people write have a few hundred lines. The worst that fits (nothing but aliases) keeps its
 * reader busy for 1.2 s (measured).
 */
export const manifestLimits: Limits = {
  charsMax: 256 * 1024,
  valuesMax: 20_000,
  depthMax: 20,
};
