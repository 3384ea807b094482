/**
 * A `systemctl`, a `supervisorctl` and a `sendmail` that know files instead of services: no test can have the
 * real ones. Their words and exit codes are those that the real ones are documented with.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localHost, type Host } from "../../src/index.js";

const systemctl = `#!/bin/sh
echo "systemctl $*" >>"$STATE/calls"
verb=$1
[ "$2" = -- ] && shift
unit=$2
[ "$unit" != --signal=SIGKILL ] || shift
case $verb in
  is-active)
    [ "$unit" != nowhere ] || { echo inactive; exit 4; }
    if [ -e "$STATE/$unit.starting" ]; then rm "$STATE/$unit.starting"; echo activating; exit 3; fi
    if [ -e "$STATE/$unit" ]; then echo active; else echo inactive; exit 3; fi ;;
  start|restart)
    [ "$unit" != broken ] || { echo "Job for broken.service failed." >&2; exit 1; }
    : >"$STATE/$unit"; : >"$STATE/$unit.starting" ;;
  stop)
    # One that takes no notice is waited for, as the real one does.
    while [ -e "$STATE/$unit.stubborn" ]; do sleep 0.05; done
    rm -f "$STATE/$unit" ;;
  kill) rm -f "$STATE/$3.stubborn" "$STATE/$3" ;;
  reload) [ -e "$STATE/$unit" ] ;;
  is-enabled)
    [ "$unit" != nowhere ] || { echo "Failed to get unit file state for nowhere" >&2; exit 1; }
    [ "$unit" != fixed ] || { echo static; exit 0; }
    if [ -e "$STATE/$unit.enabled" ]; then echo enabled; else echo disabled; exit 1; fi ;;
  enable) : >"$STATE/$unit.enabled" ;;
  disable) rm -f "$STATE/$unit.enabled" ;;
esac
`;

const supervisorctl = `#!/bin/sh
echo "supervisorctl $*" >>"$STATE/calls"
case $1 in
  status)
    if [ -e "$STATE/$2" ]; then echo "$2 RUNNING pid 7, uptime 0:00:01"
    else echo "$2 STOPPED Nov 21 10:00 AM"; exit 3; fi ;;
  start|restart) : >"$STATE/$2" ;;
  stop) rm -f "$STATE/$2" ;;
  signal) [ -e "$STATE/$3" ] && { [ "$2" != KILL ] || rm "$STATE/$3"; } ;;
esac
`;

const sendmail = `#!/bin/sh
echo "sendmail $*" >>"$STATE/calls"
cat >"$STATE/mail"
`;

/** This machine with those three on its path; what they were told is in `<folder>/state/calls`. */
export async function hostWithServices(folder: string): Promise<{ host: Host; state: string }> {
  const programs = join(folder, "programs");
  const state = join(folder, "state");
  await mkdir(programs);
  await mkdir(state);
  for (const [name, text] of Object.entries({ systemctl, supervisorctl, sendmail })) {
    await writeFile(join(programs, name), text);
    await chmod(join(programs, name), 0o755);
  }
  const PATH = `${programs}:${process.env["PATH"] ?? "/usr/bin:/bin"}`;
  return { host: localHost({ name: "fe001", environment: { PATH, STATE: state } }), state };
}
