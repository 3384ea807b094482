/** systemd units for the daemons: texts out of values. See systemd.unit(5), systemd.exec(5). */

export const daemons = ["hub", "drone", "relay", "proxy", "registry"] as const;
export type Daemon = (typeof daemons)[number];

export interface UnitPlan {
  readonly daemon: Daemon;
  /** Program and its own words, before the flags. */
  readonly program: readonly string[];
  /** What the user gave, and what was added. */
  readonly words: readonly string[];
  /** Instance of a machine's manager, or of a user's. */
  readonly scope: "system" | "user";
  /** Runs as this user; system units only. */
  readonly user: string | undefined;
  readonly dataFolder: string;
  /** Read by the manager and handed over as a credential: the daemon's user need not be able to. */
  readonly secretFile: string | undefined;
}

export function unitName(daemon: Daemon): string {
  return `propagit-${daemon}.service`;
}

export function unitText(plan: UnitPlan): string {
  const { daemon, scope } = plan;
  const lines = [
    "# Written by `propagit service install`; changes of your own: systemctl edit.",
    "[Unit]",
    `Description=propagit ${daemon}`,
    ...(scope === "system" ? ["Wants=network-online.target", "After=network-online.target"] : []),
    // It comes back for as long as the machine runs: whoever looks after it is asleep.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${execStart(plan)}`,
    ...(plan.user === undefined ? [] : [`User=${plan.user}`]),
    ...(plan.secretFile === undefined ? [] : [`LoadCredential=secret:${escaped(plan.secretFile)}`]),
    `Environment=${quoted(`PATH=${pathOf(plan.program)}`)}`,
    "Restart=always",
    "RestartSec=2",
    "LimitNOFILE=65536",
    ...reloadLines(daemon),
    ...stopLines(daemon),
    ...hardening(plan),
    "",
    "[Install]",
    `WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A proxy is replaced by a new version of itself; the first one passes signals on. */
function reloadLines(daemon: Daemon): readonly string[] {
  return daemon === "proxy" ? ["ExecReload=/bin/kill -USR2 $MAINPID", "KillMode=mixed"] : [];
}

/** Instances are children of the drone and outlive it: only the drone itself is ended. */
function stopLines(daemon: Daemon): readonly string[] {
  if (!runsInstances(daemon)) return ["TimeoutStopSec=60"];
  return [
    "KillMode=process",
    "SendSIGKILL=no",
    // It may divide what it is given among its instances.
    "Delegate=yes",
    "TimeoutStopSec=60",
    // What instances use is theirs; a machine short of memory ends them before the drone.
    "OOMPolicy=continue",
    "OOMScoreAdjust=-500",
  ];
}

/**
 * As far as git and the apps go on working. A drone runs what others wrote, which may need anything, and
 * with KillMode=process what it starts would share the drone's own restrictions: so it has next to none.
 */
function hardening({ daemon, scope, dataFolder }: UnitPlan): readonly string[] {
  if (runsInstances(daemon)) return [];
  const everywhere = ["NoNewPrivileges=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes"];
  // A user's manager may not make namespaces everywhere.
  if (scope === "user") return everywhere;
  const ports = daemon === "proxy" ? ["AmbientCapabilities=CAP_NET_BIND_SERVICE"] : [];
  return [
    ...everywhere,
    ...ports,
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectSystem=strict",
    `ReadWritePaths=${escaped(dataFolder)}`,
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "SystemCallArchitectures=native",
  ];
}

/** A relay is a drone, too. */
function runsInstances(daemon: Daemon): boolean {
  return daemon === "drone" || daemon === "relay";
}

function execStart({ program, words, dataFolder, secretFile }: UnitPlan): string {
  // %d is where the manager puts credentials.
  const secret = secretFile === undefined ? [] : ["--secret-file=%d/secret"];
  const own = words.indexOf("--");
  const flags = own < 0 ? words : words.slice(0, own);
  const command = own < 0 ? [] : words.slice(own);
  const before = [...program, ...flags].map(word);
  return [...before, ...secret, word(`--data=${dataFolder}`), ...command.map(word)].join(" ");
}

/** A word of a command line, where `%` and `$` mean something. */
function word(text: string): string {
  const plain = text.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w%$./:=@,+-]+$/.test(plain) ? plain : quoted(plain, true);
}

function quoted(text: string, isEscaped = false): string {
  const plain = isEscaped ? text : text.replaceAll("%", "%%");
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** A path as a setting's value. */
function escaped(path: string): string {
  return path.replaceAll("%", "%%");
}

/** Where node is, then where a system has its programs: git is found there, and what apps run. */
function pathOf([node = ""]: readonly string[]): string {
  const folder = node.slice(0, Math.max(0, node.lastIndexOf("/")));
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  return [...new Set([folder, ...usual])].filter((one) => one !== "").join(":");
}
