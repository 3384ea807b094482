/**
 * Somebody of whom it is not known yet what he speaks, or for whom: counted among the visitors, of whom there are only
 * so many, and with as much time as for a head.
 */
import type { EngineCore, Visitor } from "./core.js";

/** @param end called when he takes too long, and when the engine stops. @returns what says that he waits no longer */
export function waitFor(core: EngineCore, end: () => void): () => void {
  const deadlineMs = core.sweep.nowMs + core.limits.headMs;
  const tick = (nowMs: number) => (nowMs >= deadlineMs ? end() : undefined);
  const visitor: Visitor = { isIdle: true, stop: end, destroy: end, tick };
  core.visitors.add(visitor);
  core.sweep.add(visitor);
  return () => {
    core.visitors.delete(visitor);
    core.sweep.delete(visitor);
  };
}
