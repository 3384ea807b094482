/** What to do when nobody reads what is printed any more, as after `propagit ps | head -1`. */

/** 128 + SIGPIPE, as of any other program: what was asked for was not printed to its end. */
const closedPipe = 141;

/**
 * A command has nobody left to print for and ends quietly. A daemon prints on stderr only: losing the
 * reader of its log is no reason to leave its instances and visitors alone.
 */
export function handleClosedPipes(): void {
  process.stdout.on("error", () => process.exit(process.exitCode ?? closedPipe));
  process.stderr.on("error", () => undefined);
}
