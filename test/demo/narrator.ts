/** What the demo prints: headings, commands with their output, and small pictures. */
import { shortCommit } from "@propagit/protocol";
import { type Finished } from "@propagit/test-support";

const barWidth = 40;

export function heading(step: number, text: string): void {
  say(`\n${step}. ${text}`);
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A command as it was typed, and what it printed. Ends the demo when it failed. */
export function showCommand(line: string, { exitCode, stdout, stderr }: Finished): void {
  say(indent(`$ ${line}`));
  const output = [stdout, stderr].filter((text) => text.trim() !== "").join("\n");
  if (output !== "") say(indent(output.trimEnd()));
  if (exitCode !== 0) throw new Error(`${line} ended with ${exitCode}`);
}

/** One bar per commit: `74336bc  ██████████  90.1 %  (9010 visitors)`. */
export function showShares(visitors: ReadonlyMap<string, number>): void {
  const total = [...visitors.values()].reduce((sum, count) => sum + count, 0);
  for (const [commit, count] of visitors) {
    const bar = "█".repeat(Math.round((count / total) * barWidth)).padEnd(barWidth, "·");
    const percent = ((100 * count) / total).toFixed(1).padStart(5);
    say(`   ${shortCommit(commit)}  ${bar}  ${percent} %  (${count} visitors)`);
  }
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `   ${line}`)
    .join("\n");
}
