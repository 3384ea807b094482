/**
 * Who keeps the drone of a host running: systemd for its user, systemd for the machine, or a loop of `sh` of our own
 * where there is no systemd. All of them end it by SIGTERM, which leaves its instances running, and start it again
 * when it ends.
 */
import { lastLine, programLine, type CommandContext } from "@propagit/plan";
import { choice, described } from "@propagit/shapes";
import { unitName, unitText } from "../service/unit.js";
import { askThere, tryThere, type Place } from "./there.js";

/** `auto`: of the machine for root, else of the user. */
export const managers = ["auto", "user", "system", "none"] as const;
export type ManagerWish = (typeof managers)[number];
export type ManagerKind = Exclude<ManagerWish, "auto">;

export const managerArg = described(
  "Who keeps the drone running: systemd for its `user` or for the `system`; `none`: a loop of our own.",
  choice(...managers),
);

export function managerOf(wish: ManagerWish, { isRoot }: Place): ManagerKind {
  if (wish !== "auto") return wish;
  return isRoot ? "system" : "user";
}

/** How the drone is started. */
export interface DroneStart {
  /** Flags of `propagit drone`. */
  readonly words: readonly string[];
  readonly dataFolder: string;
  /** Who it runs as. */
  readonly user: string;
}

/** A file at the host that says how, and the ways to have it carried out. */
export interface Manager {
  readonly kind: ManagerKind;
  readonly file: string;
  readonly mode: number;
  /** Whether it takes root to write the file. */
  readonly sudo: boolean;
  /** In messages. */
  readonly name: string;
  text(start: DroneStart): string;
  /** Starts it, or ends it and starts it again. @throws TASK_FAILED */
  restart(context: CommandContext): Promise<void>;
  isActive(context: CommandContext): Promise<boolean>;
  /** The last of what the drone said. */
  log(context: CommandContext): Promise<readonly string[]>;
  /** How a person sees more of it. */
  readonly logCommand: string;
}

const unit = unitName("drone");

export function managerAt(kind: ManagerKind, place: Place): Manager {
  return kind === "none" ? ownLoop(place) : systemd(kind, place);
}

/** The drone by the links, so that the unit stays the same over versions. */
function programOf({ base }: Place): readonly string[] {
  return [`${base}/node/bin/node`, `${base}/current/bin/propagit.js`, "drone"];
}

function systemd(kind: "user" | "system", place: Place): Manager {
  const isSystem = kind === "system";
  const sudo = isSystem && !place.isRoot;
  const call = { args: [kind, unit], sudo };
  return {
    kind,
    sudo,
    mode: 0o644,
    name: `${unit}${isSystem ? "" : " of the user"}`,
    file: isSystem ? `/etc/systemd/system/${unit}` : `${place.home}/.config/systemd/user/${unit}`,
    text: ({ words, dataFolder, user }) =>
      unitText({
        daemon: "drone",
        program: programOf(place),
        words,
        scope: kind,
        user: isSystem && !place.isRoot ? user : undefined,
        dataFolder,
        secretFile: undefined,
      }),
    restart: async (context) => {
      await askThere(
        context,
        { ...call, text: `${systemctl}${restartUnit}` },
        `see why: ssh ${context.host.name} ${isSystem ? "systemctl" : "systemctl --user"} status ${unit}`,
      );
    },
    isActive: async (context) => {
      const { code } = await tryThere(context, {
        args: call.args,
        text: `${systemctl}ctl is-active --quiet "$2"`,
      });
      return code === 0;
    },
    log: async (context) => {
      const text = `${systemctl}journal -u "$2" -n 10 --no-pager -o cat 2>/dev/null`;
      return linesOf((await tryThere(context, { ...call, text })).output);
    },
    logCommand: `${isSystem ? "journalctl" : "journalctl --user"} -u ${unit} -n 50`,
  };
}

const systemctl = `kind=$1
XDG_RUNTIME_DIR=\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}; export XDG_RUNTIME_DIR
case $kind in
  user)
    ctl() { systemctl --user "$@"; }
    journal() { journalctl --user "$@"; } ;;
  *)
    ctl() { systemctl "$@"; }
    journal() { journalctl "$@"; } ;;
esac
`;

const restartUnit = `ctl daemon-reload && ctl enable --quiet "$2" && ctl restart "$2"`;

/** Why no systemd runs there for that; undefined when one does. */
export async function systemdAt(
  context: CommandContext,
  kind: "user" | "system",
): Promise<string | undefined> {
  const text = `command -v systemctl >/dev/null || fail "there is no systemctl"
${systemctl}ctl show --property=Version`;
  const ended = await tryThere(context, { args: [kind], text });
  return ended.code === 0 ? undefined : lastLine(ended);
}

/**
 * Lets what the user's systemd runs go on when he logs out, and begin with the machine.
 *
 * @returns what is to be done by hand when that is not for him to say
 */
export async function linger(context: CommandContext): Promise<string | undefined> {
  const said = await askThere(context, { text: lingerScript });
  const user = said.trim();
  return user === "" ? undefined : `sudo loginctl enable-linger ${user}`;
}

const lingerScript = `user=$(id -un)
[ "$(loginctl show-user "$user" --property=Linger --value 2>/dev/null)" = yes ] ||
  loginctl enable-linger "$user" >/dev/null 2>&1 || printf '%s\\n' "$user"
`;

function ownLoop(place: Place): Manager {
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

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
