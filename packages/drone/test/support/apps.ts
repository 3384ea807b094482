/** Apps to deploy, each the smallest of its kind. */

/** Answers with its environment; the ordinary web app. */
export const webApp = `
const { createServer } = require("node:http");
console.log("starting");
createServer((request, response) => response.end(JSON.stringify(process.env)))
  .listen(process.env.PORT);
`;

/** Announces itself as http, over the registry's HTTP interface of the session: see announcer. */
export const worker = `setInterval(() => {}, 1000); console.log("working");`;

export const exitsAtOnce = `console.log("reading config"); console.error("no such file: config.json"); process.exit(3);`;

export const neverListens = `console.log("waiting for something"); setInterval(() => {}, 1000);`;

/** Listens, and does not care about SIGTERM; nor does its child, which is in the same group. */
export const stubborn = `
const { spawn } = require("node:child_process");
process.on("SIGTERM", () => {});
if (process.argv[2] !== "child") {
  const child = spawn(process.execPath, [__filename, "child"], { stdio: "inherit" });
  console.log("child " + child.pid);
  require("node:http").createServer((q, r) => r.end(String(child.pid))).listen(process.env.PORT);
}
setInterval(() => {}, 1000);
`;
