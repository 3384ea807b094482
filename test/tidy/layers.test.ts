/** Who may know whom. The picture is in ARCHITECTURE.md; here it is a rule. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  filesLike,
  importsOf,
  lineOf,
  packageNames,
  withoutWords,
  type SourceFile,
} from "./sources.js";

/** What each package may import; hub, drone and proxy meet in frames and in the registry only. */
const layers: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  runtime: ["protocol"],
  shapes: ["protocol"],
  manifest: ["protocol", "shapes"],
  store: ["protocol", "runtime"],
  registry: ["protocol", "runtime", "store"],
  http: ["protocol", "runtime"],
  proxy: ["protocol", "runtime", "registry", "http"],
  swarm: ["protocol", "runtime"],
  plan: ["protocol", "runtime", "shapes", "store"],
  drone: ["protocol", "runtime", "registry", "swarm", "plan"],
  hub: ["protocol", "shapes", "manifest", "runtime", "store", "registry", "swarm", "plan"],
  cli: [
    "protocol",
    "shapes",
    "manifest",
    "runtime",
    "store",
    "registry",
    "http",
    "proxy",
    "swarm",
    "plan",
    "drone",
    "hub",
  ],
};

/** What is pure although it comes from outside, and so may be used where decisions are made. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  protocol: ["typebox", "typebox/schema"],
  shapes: ["yaml"],
  drone: ["node:path/posix"],
  registry: ["typebox", "typebox/value", "semver"],
  hub: ["typebox", "typebox/value"],
};

const sources = filesLike(/^packages\/[^/]+\/src\/.*\.ts$/);
const cores = sources.filter(({ path }) => isCore(path));
const outsideSystem = sources.filter(
  ({ path }) => !path.includes("/system/") && packageOf(path) !== "cli",
);

describe("packages", () => {
  it("are all in the table of layers", () => {
    assert.deepEqual([...packageNames].sort(), Object.keys(layers).sort());
  });

  it("import only packages of the layers below them", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ from }) => from.startsWith("@propagit/"))
        .filter(({ from }) => !layers[packageOf(file.path)]?.includes(from.split("/")[1] ?? ""))
        .map(({ path, line, from }) => `${path}:${line} imports ${from}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("import one another by name and only at the entry, never by path", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ from }) => reachesOut(file, from) || /^@propagit\/[^/]+\//.test(from))
        .map(({ path, line, from }) => `${path}:${line} imports ${from}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("have hub, drone and proxy know nothing of one another", () => {
    const parts = ["hub", "drone", "proxy"];
    const wrong = filesLike(/^packages\/(?:hub|drone|proxy)\/.*\.(?:ts|json)$/).flatMap((file) =>
      parts
        .filter((part) => part !== packageOf(file.path) && file.text.includes(`@propagit/${part}"`))
        .map((part) => `${file.path} names @propagit/${part}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("have an index.ts that only re-exports", () => {
    const wrong = sources
      .filter(({ path }) => path.endsWith("/src/index.ts"))
      .flatMap(({ path, text }) =>
        withoutComments(text)
          .split(";")
          .map((statement) => statement.trim())
          .filter((statement) => statement !== "")
          .filter(
            (statement) => !/^export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+"$/.test(statement),
          )
          .map((statement) => `${path}: ${statement}`),
      );
    assert.deepEqual(wrong, []);
  });
});

describe("core/", () => {
  it("imports nothing of Node, nothing from npm that is not pure, and no system/", () => {
    const wrong = cores.flatMap((file) =>
      importsOf(file)
        .filter(({ from }) => !isAllowedInCore(file.path, from))
        .map(({ path, line, from }) => `${path}:${line} imports ${from}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("reads no clock, no chance, no process, and waits for nothing", () => {
    const impure =
      /\b(?:Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|performance\.|process\.|globalThis|console\.|await |async )/g;
    const wrong = cores.flatMap(({ path, text }) =>
      [...withoutWords(text).matchAll(impure)].map(
        (match) => `${path}:${lineOf(text, match.index)} uses ${match[0].trim()}`,
      ),
    );
    assert.deepEqual(wrong, []);
  });
});

describe("Node and npm", () => {
  it("are touched in system/, by the command line and by tests only", () => {
    const wrong = outsideSystem.flatMap((file) =>
      importsOf(file)
        .filter(({ from }) => isOutside(from) && !isPure(file.path, from))
        .map(({ path, line, from }) => `${path}:${line} imports ${from}`),
    );
    assert.deepEqual(wrong, []);
  });
});

function packageOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** protocol and shapes have no world at all: everything in them is core. */
function isCore(path: string): boolean {
  return path.includes("/src/core/") || /^packages\/(?:protocol|shapes)\/src\//.test(path);
}

/** Whether an import is neither of this package nor of another package of the project. */
function isOutside(from: string): boolean {
  return !from.startsWith(".") && !from.startsWith("@propagit/");
}

function isPure(path: string, from: string): boolean {
  return purePackages[packageOf(path)]?.includes(from) ?? false;
}

function isAllowedInCore(path: string, from: string): boolean {
  if (isOutside(from)) return isPure(path, from);
  return !from.includes("/system/") && !from.startsWith("./system");
}

function reachesOut({ path }: SourceFile, from: string): boolean {
  if (!from.startsWith(".")) return false;
  const depth = path.split("/").length - "packages/x/src/".split("/").length;
  const ups = from.split("/").filter((part) => part === "..").length;
  return ups > depth;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}
