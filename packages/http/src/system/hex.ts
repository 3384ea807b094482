/** Random hexadecimal digits for request ids and traces, drawn in bulk: one by one they would cost a system call. */
import { randomBytes } from "node:crypto";

const bytesAtOnce = 4_096;
let pool = "";
let at = 0;

export function hexOf(digits: number): string {
  if (at + digits > pool.length) {
    pool = randomBytes(bytesAtOnce).toString("hex");
    at = 0;
  }
  at += digits;
  return pool.slice(at - digits, at);
}
