/** A loop of `sh` that keeps the drone of a host running where no systemd does. */
import { programLine } from "@propagit/plan";
import { linesOf, programOf, type Manager } from "./manager.js";
import { askThere, tryThere, type Place } from "./there.js";

export function ownLoop(place: Place): Manager {
  const { base } = place;
  const file = `${base}/keep-drone`;
  return {
    kind: "none",
    file,
    mode: 0o755,
    sudo: false,
    name: "its loop",
    text: ({ words, dataFolder }) => loopText(place, [...words, `--data=${dataFolder}`]),
    restart: async (context) => {
      await askThere(context, { text: `${loopScript}${restartLoop}`, args: [base] });
    },
    isActive: async (context) => {
      const { code } = await tryThere(context, { text: `${loopScript}alive`, args: [base] });
      return code === 0;
    },
    log: async (context) => {
      const text = 'tail -n 10 -- "$1/drone.log" 2>/dev/null';
      return linesOf((await tryThere(context, { text, args: [base] })).output);
    },
    logCommand: `tail -n 50 ${base}/drone.log`,
  };
}

/** A pid is believed when the process it names is the loop. */
const loopScript = `base=$1
alive() {
  pid=$(cat "$base/keep.pid" 2>/dev/null) && [ -n "$pid" ] &&
    tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -Fq "$base/keep-drone"
}
`;

const restartLoop = `if alive; then
  kill -TERM "$pid"
  tries=0
  while alive; do
    tries=$((tries + 1)); [ "$tries" -lt 600 ] || fail "the drone does not end"
    sleep 0.1
  done
fi
rm -f "$base/keep.pid"
setsid "$base/keep-drone" </dev/null >/dev/null 2>&1 &
tries=0
until alive; do
  tries=$((tries + 1)); [ "$tries" -lt 100 ] || fail "$base/keep-drone does not start"
  sleep 0.1
done
`;

function loopText(place: Place, words: readonly string[]): string {
  const { base } = place;
  const setting = programLine({ words: [`${base}/node/bin`] }).slice("exec ".length);
  const home = programLine({ words: [base] }).slice("exec ".length);
  return `#!/bin/sh
# Written by \`propagit setup --no-service\`: keeps the drone running until the machine ends. SIGTERM ends both of
# them; instances run on.
base=${home}
PATH=${setting}:$PATH; export PATH
echo $$ >"$base/keep.pid"
ended=
pid=
trap 'ended=1; [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null' TERM
while [ -z "$ended" ]; do
  if [ -f "$base/drone.log" ] && [ "$(wc -c <"$base/drone.log")" -gt 10485760 ]; then
    mv -f "$base/drone.log" "$base/drone.log.1"
  fi
  (${programLine({ words: [...programOf(place), ...words] })}) >>"$base/drone.log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do wait "$pid"; done
  pid=
  [ -n "$ended" ] || sleep 2
done
`;
}
