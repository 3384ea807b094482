/** systemd at a host, for its user or for the machine: by the unit that `propagit service` writes, too. */
import { lastLine, type CommandContext } from "@propagit/plan";
import { unitName, unitText } from "../service/unit.js";
import { linesOf, programOf, type Manager } from "./manager.js";
import { askThere, tryThere, type Place } from "./there.js";

const unit = unitName("drone");

export function systemd(kind: "user" | "system", place: Place): Manager {
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
