/** What is distributed: repositories whose pack has a wanted size. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { WorkTree } from "@propagit/test-support";
import { Dice } from "../dice.js";

const fileBytes = 1024 * 1024;
const words =
  "account buffer cache commit config const count default error event export field filter frame handler header import index interface limit list message module name node number object option packet parse path peer port promise queue readonly record release request result return route session signal state string table token type update value version watch window write".split(
    " ",
  );

/** Runs nothing that takes time or memory, on every drone with this label. */
export function idleService(label: string): string {
  return `services:
  idle:
    command: [/bin/sleep, "100000"]
    port: none
    on: ${label}
    ready: { when: alive, timeout: 60s }
`;
}

/** Nothing in it can be made smaller: its pack is as large as the files. */
export async function randomTree(folder: string, bytes: number, label: string): Promise<WorkTree> {
  const tree = await WorkTree.create(folder);
  await tree.write("propagit.yaml", idleService(label));
  for (let written = 0, index = 0; written < bytes; index++, written += fileBytes) {
    const size = Math.min(fileBytes, bytes - written);
    await writeFile(join(folder, `random-${index}.bin`), randomBytes(size));
  }
  await tree.commit("random bytes");
  return tree;
}

/** Like a project of that size: sources in folders, and as many bytes again of pictures and fonts. */
export async function projectTree(folder: string, bytes: number, label: string): Promise<WorkTree> {
  const dice = new Dice(5);
  const tree = await WorkTree.create(folder);
  await tree.write("propagit.yaml", idleService(label));
  let written = 0;
  for (let index = 0; written < bytes / 2; index++) {
    const text = sourceText(dice, 100 + Math.floor(dice.fraction() * 900));
    await put(folder, sourcePath(index), text);
    written += text.length;
  }
  for (let index = 0; written < bytes; index++) {
    const size = 20_000 + Math.floor(dice.fraction() * 200_000);
    await put(folder, picturePath(index), randomBytes(size));
    written += size;
  }
  await tree.commit("a project");
  return tree;
}

/** So many lines changed in each of so many sources. */
export interface Change {
  readonly sources: number;
  readonly lines: number;
  /** Of a picture that is exchanged; 0: none is. */
  readonly pictureBytes: number;
}

/** A day's work; each with another `seed`. */
export async function change(tree: WorkTree, wanted: Change, seed: number): Promise<string> {
  const dice = new Dice(seed);
  const { sources, lines, pictureBytes } = wanted;
  for (let index = 0; index < sources; index++) {
    const place = join(tree.folder, sourcePath(index));
    const text = (await readFile(place, "utf8")).split("\n");
    for (let line = 0; line < lines; line++) {
      text[Math.floor(dice.fraction() * (text.length - 1))] = sourceLine(dice);
    }
    await writeFile(place, text.join("\n"));
  }
  if (pictureBytes > 0) await put(tree.folder, picturePath(0), randomBytes(pictureBytes));
  return tree.commit(`a change of ${sources} sources`);
}

function sourcePath(index: number): string {
  return `src/part-${index % 37}/module-${index}.ts`;
}

function picturePath(index: number): string {
  return `assets/picture-${index}.webp`;
}

async function put(folder: string, path: string, content: string | Buffer): Promise<void> {
  const place = join(folder, path);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, content);
}

function sourceText(dice: Dice, lines: number): string {
  return `${Array.from({ length: lines }, () => sourceLine(dice)).join("\n")}\n`;
}

function sourceLine(dice: Dice): string {
  const word = () => words[Math.floor(dice.fraction() * words.length)] ?? "";
  const [left, right, third] = [word(), word(), word()];
  return `  const ${left}${Math.floor(dice.fraction() * 1_000)} = ${right}(${third}.${word()}, "${word()} ${word()}");`;
}
