/** Every dependency is a decision; scripts exist; the lock file is whole. */
import assert from "node:assert/strict";
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { filesLike, read, root } from "./sources.js";

interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly engines?: { readonly node?: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface LockedPackage extends Manifest {
  readonly link?: boolean;
}

/** What users push is an example of their code, not part of ours. */
const manifests = filesLike(/(?:^|\/)package\.json$/)
  .filter(({ path }) => !path.startsWith("examples/"))
  .map(({ path, text }) => ({ path, manifest: JSON.parse(text) as Manifest }));

const decisions = filesLike(/^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/);
const lock = JSON.parse(read("package-lock.json")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

describe("dependencies", () => {
  const used = new Set(
    manifests
      .flatMap(({ manifest }) => Object.keys(allOf(manifest)))
      .filter((name) => !name.startsWith("@propagit/")),
  );
  const decided = new Set(decisions.flatMap(({ text }) => packagesOf(text)));

  for (const name of [...used].sort()) {
    it(`${name} has a decision file`, () => {
      assert.ok(
        decided.has(name),
        `write docs/decisions/NNNN-*.md with a line "Packages: \`${name}\`"`,
      );
    });
  }

  it("that were decided on are used", () => {
    assert.deepEqual(
      [...decided].filter((name) => !used.has(name)),
      [],
    );
  });

  it("are asked for in the same version everywhere", () => {
    const versions = new Map<string, Set<string>>();
    for (const { manifest } of manifests) {
      for (const [name, range] of Object.entries(allOf(manifest))) {
        versions.set(name, (versions.get(name) ?? new Set()).add(range));
      }
    }
    const differing = [...versions].filter(([, ranges]) => ranges.size > 1).map(([name]) => name);
    assert.deepEqual(differing, []);
  });
});

describe("decision files", () => {
  it("are numbered without gap", () => {
    const numbers = decisions.map(({ path }) =>
      Number(path.slice("docs/decisions/".length).slice(0, 4)),
    );
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
  });

  for (const { path, text } of decisions) {
    it(`${path} names its package, what stands in its place or why it was taken, and what was seen`, () => {
      const isRefusal = /^Refused: `/m.test(text);
      const headings = isRefusal ? ["Instead"] : ["Replaces", "Why this one", "Kept by"];
      const wanted = [
        isRefusal ? "Refused: `" : "Packages: `",
        ...["Measured", ...headings].map((name) => `**${name}.** `),
      ];
      const lines = text.split("\n");
      const missing = wanted.filter((start) => !lines.some((line) => line.startsWith(start)));
      assert.deepEqual(missing, []);
    });
  }
});

describe("the lock file", () => {
  it("asks for what the package files ask for, or npm ci refuses it", () => {
    const wrong = manifests
      .filter(({ path }) => !path.includes("node_modules"))
      .filter(({ path, manifest }) => {
        const locked = lock.packages[path.replace(/\/?package\.json$/, "")];
        return (
          JSON.stringify(sorted(allOf(manifest))) !==
          JSON.stringify(sorted(allOf(locked ?? { name: "" })))
        );
      })
      .map(({ path }) => path);
    assert.deepEqual(wrong, [], "run npm i --ignore-scripts");
  });

  it("has the optional packages of all systems, or npm ci refuses it", () => {
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(
          (name) =>
            !(
              `node_modules/${name}` in lock.packages ||
              `${path}/node_modules/${name}` in lock.packages
            ),
        )
        .map((name) => `${path} needs ${name}`),
    );
    assert.deepEqual(
      missing,
      [],
      "add an entry with version, optional, os and cpu, like its siblings'",
    );
  });
});

describe("package files", () => {
  it("agree with what daemons say of their version, and on the oldest Node", () => {
    const own = manifests.filter(({ path }) => path.startsWith("packages/"));
    const said = /version = "(.+)"/.exec(read("packages/protocol/src/version.ts"))?.[1];
    assert.deepEqual([...new Set(own.map(({ manifest }) => manifest.version))], [said]);
    assert.deepEqual(
      [...new Set(manifests.map(({ manifest }) => manifest.engines?.node))],
      [">=20.19"],
    );
  });

  it("name scripts and commands that exist", () => {
    const wrong = manifests.flatMap(({ path, manifest }) => {
      const folder = join(root, path, "..");
      const bins = Object.values(manifest.bin ?? {}).filter(
        (file) => !existsSync(join(folder, file)),
      );
      const scripts = Object.entries(manifest.scripts ?? {})
        .filter(([, command]) => !commandExists(folder, command.split(" ")))
        .map(([name]) => name);
      return [...bins, ...scripts].map((name) => `${path}: ${name}`);
    });
    assert.deepEqual(wrong, []);
  });
});

function allOf(manifest: Manifest): Record<string, string> {
  return {
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
    ...manifest.dependencies,
  };
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([left], [right]) => left.localeCompare(right));
}

/** The packages that a decision file is about. */
function packagesOf(text: string): string[] {
  const line = /^Packages: (.*)$/m.exec(text)?.[1] ?? "";
  return [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

/** Whether the first word of a script is a program that can be run. */
function commandExists(folder: string, [command = "", argument = ""]: readonly string[]): boolean {
  if (command === "node") return existsSync(join(folder, argument)) || argument.startsWith("-");
  if (command === "tsc" || command === "prettier")
    return existsSync(join(root, "node_modules/.bin", command));
  try {
    accessSync(join(folder, command), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
