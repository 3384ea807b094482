/** How much of a document is read: it may come from whoever can push, or from a program that went wrong. */
import type { Problems } from "./problems.js";

export interface Limits {
  readonly charsMax: number;
  /** Values in it, with aliases followed. */
  readonly valuesMax: number;
  /** Lists and maps within one another. */
  readonly depthMax: number;
}

/** Tells it, too. */
export function isTooLong(text: string, charsMax: number, problems: Problems): boolean {
  if (text.length <= charsMax) return false;
  problems.add(0, `is longer than ${sizeOf(charsMax)}`);
  return true;
}

function sizeOf(chars: number): string {
  return chars % 1024 ** 2 === 0 ? `${chars / 1024 ** 2} MiB` : `${chars / 1024} KiB`;
}
