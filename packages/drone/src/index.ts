export { type DroneOptions } from "./core/options.js";
export { serviceNameOf } from "./core/service-name.js";
export { startDrone, type RunningDrone } from "./system/start-drone.js";
