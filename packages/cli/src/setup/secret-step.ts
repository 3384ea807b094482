/**
 * The step `setup-secret`: the hub's secret is there, in a file for its user alone, and the hub takes it from there.
 * It travels as input, never as a word of a command line; one that the hub refuses leaves the one that was.
 */
import { defineCommand, lastLine, scriptEnds } from "@propagit/plan";
import { exitCodes } from "@propagit/protocol";
import { described, object, text } from "@propagit/shapes";
import { refusalOf } from "./hub-there.js";
import { failure, placeOf, tryThere } from "./there.js";

export const hubArg = described("Its address, as the host knows it.", text({ max: 300 }));

const args = object({ hub: hubArg }, ["hub"]);

const timeoutMs = 120_000;
/** The program there said no: above this, its exit code. */
const refusedEnds = 100;

const script = `base=$1 hub=$2
umask 077
unset PROPAGIT_HUB PROPAGIT_SECRET PROPAGIT_SECRET_FILE
new=$(mktemp "$base/.propagit-XXXXXXXX") || exit 1
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$new" || fail "the secret was not written"
[ -s "$new" ] || fail "the secret did not come"
"$base/next-node/bin/node" "$base/next-current/bin/propagit.js" proxies --json \\
  --hub="$hub" --secret-file="$new" >/dev/null || exit $((${refusedEnds} + $?))
if [ "$(mode_of "$base/secret" 2>/dev/null)" = 600 ] && cmp -s "$new" "$base/secret"; then unchanged; fi
mv -f -- "$new" "$base/secret"
`;

function wayHint(host: string, hub: string): string {
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(hub);
  if (isLocal) return `there, ${hub} is the host itself; say --hub=… as hosts know it`;
  return `let it through there (firewall, name), or say --hub=… as ${host} knows it`;
}

/** @param secretFor the secret of a hub, known to whoever carries the plan out and in no plan */
export function secretStep(secretFor: (hub: string) => string | undefined) {
  return defineCommand({
    name: "setup-secret",
    summary: "Brings the hub's secret, and sees that the hub takes it.",
    args,
    timeoutMs,
    describe: ({ hub }) =>
      `would bring the secret, and see that the hub ${hub} takes it from there`,
    async run({ hub }, context) {
      const secret = secretFor(hub);
      if (secret === undefined) {
        throw failure(
          context,
          `the secret of the hub ${hub} is not known`,
          "give it: PROPAGIT_SECRET_FILE=…, --secret-file=…, or keep it: propagit remote add",
        );
      }
      const { base } = await placeOf(context);
      const ended = await tryThere(context, {
        text: script,
        args: [base, hub],
        input: `${secret}\n`,
      });
      if (ended.code === scriptEnds.done) return { outcome: "done" };
      if (ended.code === scriptEnds.unchanged) return { outcome: "unchanged" };
      if (ended.code <= refusedEnds) throw failure(context, lastLine(ended));
      const isAway = ended.code - refusedEnds === exitCodes.unreachable;
      const { why, hint } = refusalOf(ended.errorOutput);
      throw failure(
        context,
        `${isAway ? "it does not reach the hub" : "the hub does not take it in"}: ${why}`,
        isAway ? wayHint(context.host.name, hub) : hint,
      );
    },
    example: { hub: "hub:6001" },
  });
}
