/** The code of a system error (`ENOENT`, `EADDRINUSE`, …), or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
