// Stands for any build: makes dist/ out of the sources, and keeps a count in the cache.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

mkdirSync("dist", { recursive: true });
mkdirSync(".cache", { recursive: true });
copyFileSync("web.js", "dist/web.js");
const builds = existsSync(".cache/builds") ? Number(readFileSync(".cache/builds", "utf8")) + 1 : 1;
writeFileSync(".cache/builds", String(builds));
console.log(`built dist/web.js; build ${builds} on this machine`);
