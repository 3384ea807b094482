/** HTTP and bytes from a machine behind ssh, by programs that most have: curl, and bash or nc. */
import { PropagitError } from "@propagit/protocol";
import type { HostAnswer, HostMessage, HostRequest } from "../command.js";
import { bodyBytesMax, hostOf } from "./from-here.js";
import type { Run } from "./put-file.js";

/** All but its own words come by standard input: an address may hold a secret, and words are for all to see. */
const curlScript = `command -v curl >/dev/null || { echo "there is no curl; install it there" >&2; exit 127; }
curl --config -`;

export async function requestFromThere(run: Run, request: HostRequest): Promise<HostAnswer> {
  const { url, timeoutMs, signal } = request;
  const input = curlConfig(request);
  const words = ["/bin/sh", "-c", curlScript];
  const ended = await run(words, { input, ...(signal && { signal }) });
  const { code, output, errorOutput } = ended;
  const at = output.lastIndexOf("\n");
  const status = Number(output.slice(at + 1));
  if (code === 0 && status > 0) {
    return { status, body: output.slice(0, at).slice(0, bodyBytesMax) };
  }
  const said = errorOutput
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/^curl: \(\d+\) /, "");
  const why = code === 28 ? `it took longer than ${timeoutMs / 1_000} s` : said;
  throw new PropagitError(
    "TASK_FAILED",
    `no answer from ${hostOf(url)}: ${why || `curl ended with ${code}`}`,
  );
}

function curlConfig({ url, method = "GET", headers = {}, body, timeoutMs }: HostRequest): string {
  const lines = [
    "silent",
    "show-error",
    "globoff",
    'proto = "=http,https"',
    `max-time = ${timeoutMs / 1_000}`,
    `url = ${curlText(url)}`,
    method === "HEAD" ? "head" : `request = ${method}`,
    'write-out = "\\n%{http_code}"',
    ...Object.entries(headers).map(([name, value]) => `header = ${curlText(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`data-raw = ${curlText(body)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** As curl's configuration reads it between quotes. */
function curlText(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `"${escaped}"`;
}

const sendScript = `if command -v bash >/dev/null; then
  exec bash -c 'exec 3<>"/dev/$1/$2/$3" && cat >&3' bash "$1" "$2" "$3"
elif [ "$1" = udp ]; then exec nc -u -w 1 "$2" "$3"
else exec nc -w 5 "$2" "$3"
fi`;

export async function sendFromThere(run: Run, message: HostMessage): Promise<void> {
  const { protocol, host, port, text, timeoutMs, signal } = message;
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  const words = ["/bin/sh", "-c", sendScript, "propagit", protocol, host, String(port)];
  const { code, errorOutput } = await run(words, { input: text, signal: limit });
  if (code === 0) return;
  const why = errorOutput.trim().split("\n").at(-1) || `it ended with ${code}`;
  throw new PropagitError("TASK_FAILED", `${host}:${port} did not take it: ${why}`);
}
