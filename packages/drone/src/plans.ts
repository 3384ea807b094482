/** What of a drone carries parts of plans out, for whoever puts a cluster together in one process. */
export { ErrandDesk, errandsPath, type ErrandParts, type ErrandStore } from "./plan-errands.js";
export { PlanRelay, type PlanRelayParts, type WishStore } from "./plan-relay.js";
export { PlanTasks } from "./plan-tasks.js";
export type { DroneContext } from "./drone-part.js";
