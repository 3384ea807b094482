/** Names the time from one start of the machine to the next. */
import { readFile } from "node:fs/promises";

/** Empty where the kernel does not tell. */
export async function bootId(): Promise<string> {
  const text = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return text.trim();
}
