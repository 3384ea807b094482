// Puts the compiled command lines into few files: `packages/cli/dist/bundle`. Loading hundreds of small
// modules costs each daemon about 25 MB and each command about 0.2 s; see docs/decisions.
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const cli = fileURLToPath(new URL("../packages/cli/", import.meta.url));
const outdir = `${cli}dist/bundle`;

const options = {
  outdir,
  bundle: true,
  // One file for what all commands need, one for each daemon.
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // They have a prebuilt binary beside them, and are loaded only when they are needed: libsql on old
  // versions of Node, node-pty for the first terminal. jiti loads its compiler from a file of its own.
  external: ["libsql", "@lydell/node-pty", "jiti"],
  // Packages in the older module format call these.
  banner: {
    js: `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`,
  },
  logLevel: "warning",
  metafile: true,
};

const all = await build({ ...options, entryPoints: [`${cli}dist/src/index.js`] });
// What runs for long is built by itself, as what several entries use is put into their common files whole: a drone
// would hold the registry's HTTP server in memory. V8 keeps the text of what it has loaded, so that is short, too.
const byThemselves = [
  `${cli}dist/src/drone-main.js`,
  `${cli}dist/src/proxy-main.js`,
  // A thread of the proxy, loaded by a file's name: it holds only what serving needs.
  fileURLToPath(import.meta.resolve("@propagit/proxy/worker")),
  // A process of its own for commands of projects, started by a file's name.
  fileURLToPath(import.meta.resolve("@propagit/plan/project-process")),
];
const lean = await Promise.all(
  byThemselves.map((entry) =>
    build({ ...options, entryPoints: [entry], minifySyntax: true, minifyWhitespace: true }),
  ),
);

// Names hold the hash of the content. What is no longer part of it goes last, so that a command that
// starts meanwhile finds all of its files.
const outputs = [all, ...lean].flatMap(({ metafile }) => Object.keys(metafile.outputs));
const written = new Set(outputs.map((path) => basename(path)));
for (const name of readdirSync(outdir)) if (!written.has(name)) rmSync(`${outdir}/${name}`);

// Editors read them from the installed package.
for (const schema of ["propagit.schema.json", "plan.schema.json"]) {
  copyFileSync(
    fileURLToPath(new URL(`../docs/${schema}`, import.meta.url)),
    `${cli}dist/${schema}`,
  );
}
