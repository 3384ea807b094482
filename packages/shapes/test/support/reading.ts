/** Reads a document by a shape, and tells what came of it. */
import assert from "node:assert/strict";
import { formatProblem, plainOf, Problems, readYaml, type Shape } from "../../src/index.js";

export const limits = { charsMax: 100_000, valuesMax: 10_000, depthMax: 20 };

/** What a shape makes of a YAML text. */
export function valueOf<T>(shape: Shape<T>, text: string): T {
  const problems = new Problems("file", text);
  const node = readYaml(text, problems, limits);
  const value = node && shape.read(node, "", problems);
  assert.deepEqual(problems.all.map(formatProblem), []);
  assert.ok(value !== undefined);
  return value;
}

/** Why it does not, with places: `1:4: …`, a line each. */
export function refusalOf(shape: Shape<unknown>, text: string): string {
  const problems = new Problems("", text);
  const node = readYaml(text, problems, limits);
  const value = node && shape.read(node, "", problems);
  if (problems.isEmpty) return `nothing is refused: ${JSON.stringify(value)}`;
  return problems.all.map((one) => formatProblem(one).slice(1)).join("\n");
}

/** What a YAML text is as plain JSON, with the shape's defaults. */
export function plainText(shape: Shape<unknown>, text: string): unknown {
  const problems = new Problems("file", text);
  const node = readYaml(text, problems, limits);
  assert.ok(node);
  return plainOf(shape, node);
}
