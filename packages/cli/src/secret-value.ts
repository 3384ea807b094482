/** The value of a secret: from a file, from standard input, or typed without being seen. Never from argv. */
import { readFileSync } from "node:fs";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { interruptedExitCode } from "./interrupt.js";

/** As the protocol allows it for a variable. */
const valueCharsMax = 32_768;

/** @throws BAD_USAGE when the file cannot be read; BAD_SETTING when it is empty, too long, or no text */
export async function readSecretValue(name: string, file: string | undefined): Promise<string> {
  const text = await readText(name, file);
  return checkValue(name, text.replace(/\r?\n$/, ""));
}

function readText(name: string, file: string | undefined): Promise<string> | string {
  if (file !== undefined) return readFile(file);
  return process.stdin.isTTY ? typedUnseen(`${name}: `) : readAll();
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `--file ${path} cannot be read: ${reason}`, {
      hint: "give the path of a file that holds the value, or write the value to standard input",
      cause: thrown,
    });
  }
}

async function readAll(): Promise<string> {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > valueCharsMax * 2) break;
  }
  return text;
}

/** Asks on the terminal, where what is typed is not shown; the prompt goes where no pipe takes it. */
function typedUnseen(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  // Before anybody is asked, or the first keys would be shown.
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stderr.write(prompt);
  return new Promise((resolve) => {
    let text = "";
    const finish = (end: () => void) => {
      stdin.off("data", hear);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
      end();
    };
    const hear = (typed: string) => {
      for (const key of typed) {
        if (key === "\r" || key === "\n" || key === "\u0004") return finish(() => resolve(text));
        if (key === "\u0003") return finish(() => process.exit(interruptedExitCode));
        if (key === "\u007F" || key === "\b") text = Array.from(text).slice(0, -1).join("");
        else if (key === "\u0015") text = "";
        else text += key;
      }
    };
    stdin.on("data", hear);
    stdin.resume();
  });
}

function checkValue(name: string, value: string): string {
  const hint = "give the value on standard input or with --file";
  if (value === "")
    throw new PropagitError("BAD_SETTING", `the value of ${name} is empty`, { hint });
  if (value.length > valueCharsMax) {
    throw new PropagitError(
      "BAD_SETTING",
      `the value of ${name} has more than ${valueCharsMax} characters`,
      { hint: "keep what is large in a file on the machines, and the path to it here" },
    );
  }
  if (value.includes("\0") || value.includes("\uFFFD")) {
    throw new PropagitError("BAD_SETTING", `the value of ${name} is not text`, {
      hint: "write it as base64, and decode it in the app",
    });
  }
  return value;
}
