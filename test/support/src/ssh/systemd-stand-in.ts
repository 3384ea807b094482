/**
 * Stand-ins for systemd's clients, where no systemd runs: units of the user's folder are started as they say
 * (`ExecStart`, `Environment`), ended by SIGTERM to the main process alone, and what they print is kept. A unit that
 * ends by itself is not started again.
 */

/** @param state the folder of what is known: `calls`, and of each unit its pid and its log */
export function systemdStandIns(state: string): ReadonlyMap<string, string> {
  return new Map([
    ["systemctl", systemctl(state)],
    ["loginctl", loginctl(state)],
    ["journalctl", `#!/bin/sh\ntail -n 20 '${state}/propagit-drone.service.log'\n`],
  ]);
}

function systemctl(state: string): string {
  return `#!/bin/sh
state='${state}'
printf '%s\\n' "$*" >>"$state/calls"
[ "$1" = --user ] || { echo "only units of users can be had here" >&2; exit 1; }
shift
verb=$1; shift
for each do case $each in --*) ;; *) unit=$each ;; esac; done
file="$HOME/.config/systemd/user/$unit"
running() { pid=$(cat "$state/$unit.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; }
end() {
  running || return 0
  kill -TERM "$pid"
  while running; do sleep 0.05; done
}
begin() {
  line=$(sed -n 's/^ExecStart=//p' "$file" | sed 's/%%/%/g')
  setting=$(sed -n 's/^Environment="\\(.*\\)"$/\\1/p' "$file")
  setsid env -i "HOME=$HOME" "$setting" /bin/sh -c "exec $line" </dev/null >>"$state/$unit.log" 2>&1 &
  echo $! >"$state/$unit.pid"
}
case $verb in
  show) echo Version=252 ;;
  daemon-reload) ;;
  enable) [ -f "$file" ] ;;
  restart) end; begin ;;
  stop) end ;;
  is-active) running ;;
  *) echo "unknown here: $verb" >&2; exit 1 ;;
esac
`;
}

function loginctl(state: string): string {
  return `#!/bin/sh
case $1 in
  show-user) if [ -e '${state}/linger' ]; then echo yes; else echo no; fi ;;
  enable-linger) touch '${state}/linger' ;;
esac
`;
}
