export { matchesPath, parsePatterns, type Pattern } from "./core/artifact-patterns.js";
export { type DroneOptions } from "./core/options.js";
export { serviceNameOf } from "./core/service-name.js";
export { passwordSettings } from "./system/bare-repositories.js";
export { git, type GitRun } from "./system/git.js";
export { startDrone, type RunningDrone } from "./system/start-drone.js";
