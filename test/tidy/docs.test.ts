/** Documentation that can be wrong is run: links lead somewhere, examples compile. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { files, filesLike, importsOf, lineOf, root, type SourceFile } from "./sources.js";

const pages = filesLike(/\.md$/);

describe("links in the docs", () => {
  const headings = new Map(pages.map(({ path, text }) => [path, anchorsOf(text)]));

  it("lead to files and headings that exist", () => {
    const wrong = pages.flatMap(({ path, text }) =>
      [...withoutFences(text).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .filter((match) => !leadsSomewhere(path, match[1] ?? ""))
        .map((match) => `${path}:${lineOf(text, match.index)} ${match[1]}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("name files of the project that exist", () => {
    const named = /`((?:packages|docs|test|script|examples|bench|\.ci)\/[\w./-]*\w)`/g;
    const wrong = pages.flatMap(({ path, text }) =>
      [...text.matchAll(named)]
        .filter((match) => !existsSync(join(root, match[1] ?? "")))
        .map((match) => `${path}:${lineOf(text, match.index)} ${match[1]}`),
    );
    assert.deepEqual(wrong, []);
  });

  function leadsSomewhere(from: string, link: string): boolean {
    const [file = "", anchor] = link.split("#");
    const path = file === "" ? from : join(dirname(from), file);
    if (!existsSync(join(root, path))) return false;
    return (
      anchor === undefined || !headings.has(path) || (headings.get(path)?.has(anchor) ?? false)
    );
  }
});

describe("examples", () => {
  it("in the docs and in docblocks compile", async () => {
    const examples = [...fencedExamples(), ...(await docblockExamples())];
    assert.ok(examples.length > 0);
    const folder = join(root, ".cache/examples");
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [index, { where, code }] of examples.entries()) {
      await writeFile(join(folder, `example-${index}.ts`), `// ${where}\n${code}\nexport {};\n`);
    }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(exampleConfig));
    const errors = await compile(folder);
    assert.equal(named(errors, examples), "");
  });
});

interface Example {
  readonly where: string;
  readonly code: string;
}

const exampleConfig = {
  extends: "../../tsconfig.base.json",
  compilerOptions: { composite: false, noEmit: true, noUnusedLocals: false },
  include: ["*.ts"],
};

function fencedExamples(): Example[] {
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(/^```ts\n([^]*?)^```/gm)].map((match) => ({
      where: `${path}:${lineOf(text, match.index)}`,
      code: match[1] ?? "",
    })),
  );
}

/** A docblock's example stands beside what it shows, so what its file knows needs no import there. */
async function docblockExamples(): Promise<Example[]> {
  const sources = files.filter(({ path }) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path));
  const examples = sources.flatMap((file) =>
    [...file.text.matchAll(/^( *) \* @example\n((?:\1 \*(?! @|\/).*\n)+)/gm)].map((match) => ({
      file,
      where: `${file.path}:${lineOf(file.text, match.index)}`,
      code: (match[2] ?? "").replaceAll(/^ *\* ?/gm, "").replaceAll(/^```.*$/gm, ""),
    })),
  );
  return Promise.all(
    examples.map(async ({ file, where, code }) => {
      if (code.includes(' from "')) return { where, code };
      return { where, code: `${await importsFor(file, code)}${code}` };
    }),
  );
}

/** Imports of the names in an example that its own package, or one its file imports, exports. */
async function importsFor(file: SourceFile, code: string): Promise<string> {
  const own = file.path.split("/")[1] ?? "";
  const known = importsOf(file).filter(({ from }) => from.startsWith("@propagit/"));
  const entries = [
    own === "cli" ? "propagit" : `@propagit/${own}`,
    ...known.map(({ from }) => from),
  ];
  const imported = new Set<string>();
  let lines = "";
  for (const entry of new Set(entries)) {
    const exported = Object.keys((await import(entry)) as object);
    const needed = exported.filter((word) => !imported.has(word) && hasWord(code, word));
    for (const word of needed) imported.add(word);
    lines += `import { ${needed.join(", ")} } from "${entry}";\n`;
  }
  return lines;
}

function hasWord(code: string, word: string): boolean {
  return new RegExp(`\\b${word}\\b`).test(code);
}

async function compile(folder: string): Promise<string> {
  const tsc = join(root, "node_modules/.bin/tsc");
  try {
    await promisify(execFile)(tsc, ["-p", folder, "--pretty", "false"], { cwd: folder });
    return "";
  } catch (thrown) {
    return String((thrown as { stdout?: unknown }).stdout ?? thrown);
  }
}

/** Compiler messages with the place of the example in place of its number. */
function named(errors: string, examples: readonly Example[]): string {
  return errors.replaceAll(
    /example-(\d+)\.ts/g,
    (_, index: string) => examples[Number(index)]?.where ?? "?",
  );
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, (match) => match.replaceAll(/[^\n]/g, " "));
}

/** Headings as links name them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
