export * from "./cli.js";
export * from "./cluster.js";
export * from "./git.js";
export * from "./http.js";
export * from "./real-app.js";
