export * from "./cli.js";
export * from "./cluster.js";
export * from "./gated-app.js";
export * from "./git.js";
export * from "./http.js";
export * from "./inspect.js";
export * from "./pebble.js";
export * from "./real-app.js";
