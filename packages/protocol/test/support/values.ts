/** The things that the samples are made of, each with every optional field. */
import type {
  Assignment,
  Build,
  ClusterEvent,
  Deployment,
  DroneOutcome,
  DroneProgress,
  DroneSummary,
  DroneTarget,
  Endpoint,
  InstanceReport,
  InstanceSummary,
  InstanceTarget,
  LogLine,
  LogQuery,
  Machine,
  ReleaseDetail,
  ReleaseDifference,
  ReleaseSummary,
  RolloutResult,
  Route,
  RunPart,
  RunResult,
  Service,
  Setting,
  Specification,
  Task,
  Usage,
} from "../../src/index.js";

export const commit = "74336bc1db98478e02e69f59e7100895be207389";
const other = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";
export const artifact = "a27f1fac0de5a27f1fac0de5a27f1fac0de5a27f";
export const deploymentId = "0d1c2b3a49586776";
export const at = 1_700_000_000_000;
export const nonce = "0123456789abcdef0123456789abcdef";
export const proof = "89abcdef".repeat(8);
export const lease = "fedcba9876543210fedcba9876543210";
/** What `Crypto.encrypt` makes; the samples need none that can be opened. */
export const hidden = "bm9uY2Ugbm9uYyB0YWcgdGFnIHRhZyB0YWcgaGlkZGVu";
export const base64 = "aGVsbG8K";
export const by = "ann@laptop";
export const lastLines = ["Error: no such file"];
export const error = {
  code: "NO_REPO",
  message: "the hub has no repository `webap`",
  hint: "push it first",
};

export const endpoint: Endpoint = {
  id: "a1b2",
  service: "http",
  version: "1.2.3",
  commit,
  host: "127.0.0.1",
  port: 15194,
  meta: { process: "c3d4", drone: "web-1", deployment: deploymentId },
};
export const position = { epoch: "e1", revision: 42 };
export const registryPlace = { host: "registryhost", port: 6000, open: false, own: true };

const selector: Task["on"] = [
  { key: "role", op: "in", values: ["web", "edge"] },
  { key: "gpu", op: "absent", values: [] },
];
export const task: Task = {
  command: ["/bin/sh", "-c", "npm test"],
  on: selector,
  env: { NODE_ENV: "test" },
  timeoutMs: 600_000,
};
export const build: Build = {
  ...task,
  command: ["make"],
  include: ["dist/**"],
  exclude: ["**/*.map"],
  cache: ["node_modules"],
};
export const service: Service = {
  name: "http",
  command: ["node", "web.js"],
  instances: { count: 2, per: "drone" },
  on: selector,
  ports: [{ name: "http" }, { name: "admin", port: 9000 }],
  ready: "listen",
  readyTimeoutMs: 60_000,
  health: {
    check: { kind: "http", path: "/up", statuses: [{ low: 200, high: 299 }] },
    intervalMs: 10_000,
    timeoutMs: 2_000,
    graceMs: 5_000,
    healthyAfter: 1,
    unhealthyAfter: 3,
    restart: true,
  },
  stop: { signal: "SIGTERM", deadlineMs: 10_000 },
  restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 8 },
  env: { NODE_ENV: "production" },
  limits: { memoryBytes: 268_435_456, files: 4_096, cpuPercent: 150, otherwise: "warn" },
  user: "www",
  cwd: "server",
  after: ["db"],
};
const hostRoute = { host: "www.example.com", path: "/shop", service: "http" };
const specification: Specification = {
  services: [service],
  build,
  test: task,
  release: { ...task, command: ["./migrate"] },
  routes: [hostRoute],
  keep: { releases: 5, warm: 1, forMs: 86_400_000 },
  promote: "always",
};

export const deployment: Deployment = {
  repo: "webapp",
  commit,
  id: deploymentId,
  environment: "staging",
  release: 12,
};
export const assignment: Assignment = {
  id: deploymentId,
  repo: "webapp",
  environment: "staging",
  commit,
  artifact,
  release: 12,
  services: [{ service: "http", instances: 2 }],
};
export const route: Route = {
  repo: "webapp",
  environment: "staging",
  shares: [
    { commit, deployment: deploymentId, weight: 90 },
    { commit: other, weight: 10 },
  ],
  hosts: [hostRoute],
};

export const report: InstanceReport = {
  process: "c3d4",
  repo: "webapp",
  commit,
  service: "web",
  deployment: deploymentId,
  environment: "staging",
  release: 12,
  slot: 2,
  phase: "restarting",
  pid: 4321,
  port: 15194,
  services: ["http"],
  restarts: 2,
  since: at,
  health: "passing",
  reason: "the command ended with exit code 1",
  lastLines,
};
export const usage: Usage = { process: "c3d4", cpuPercent: 12.5, memoryBytes: 52_428_800 };
export const machine: Machine = {
  load: 0.5,
  cores: 4,
  memoryBytes: 8_589_934_592,
  memoryFreeBytes: 4_294_967_296,
  diskBytes: 107_374_182_400,
  diskFreeBytes: 53_687_091_200,
};
export const instance: InstanceSummary = {
  drone: "web-1",
  host: "10.0.0.1",
  away: false,
  sharePercent: 90,
  serves: ["checkout=new", "copy of 5 %"],
  report,
  usage,
};
export const drone: DroneSummary = {
  name: "web-1",
  service: "web",
  host: "10.0.0.1",
  labels: { role: "web" },
  state: "connected",
  since: at,
  version: "0.1.0",
  instances: 2,
  draining: true,
  ownCommand: true,
  relay: { address: "10.0.2.1:6001", carriesOnly: true },
  through: "relay-b",
  machine,
};
export const droneTarget: DroneTarget = { names: ["web-1", "/^db/"], selector: "role=web" };
export const instanceTarget: InstanceTarget = {
  repo: "webapp",
  environment: "staging",
  release: "12",
  services: ["http"],
  processes: ["c3d4"],
  drones: droneTarget,
};

const reason = "the command ended with exit code 1";
export const outcome: DroneOutcome = {
  drone: "web-1",
  outcome: "failed",
  port: 15194,
  reason,
  lastLines,
};
export const progress: DroneProgress = {
  at,
  drone: "web-1",
  phase: "failed",
  ready: 1,
  wanted: 2,
  port: 15194,
  reason,
  lastLines,
};
export const rollout: RolloutResult = {
  repo: "webapp",
  environment: "staging",
  release: 12,
  commit,
  outcome: "failed",
  promoted: false,
  stepping: true,
  reason,
  lastLines,
  drones: [outcome],
  hosts: ["staging--webapp", "www.example.com"],
};
export const releaseSummary: ReleaseSummary = {
  repo: "webapp",
  environment: "staging",
  number: 12,
  commit,
  deployment: deploymentId,
  subject: "The answer is 42",
  kind: "rollback",
  from: 10,
  by,
  at,
  tookMs: 4_200,
  state: "deploying",
  phase: "starting",
  reason,
  current: false,
  presence: "running",
  pinned: true,
};
const configChange = { name: "DATABASE_URL", change: "changed", secret: true } as const;
export const releaseDetail: ReleaseDetail = {
  summary: releaseSummary,
  specification,
  config: [configChange],
  phases: [{ phase: "building", tookMs: 3_000 }],
  drones: [outcome],
};
export const releaseDifference: ReleaseDifference = {
  from: { ...releaseSummary, number: 11, commit: other },
  to: releaseSummary,
  commits: [{ commit, author: "Ann", at, subject: "The answer is 42", back: false }],
  files: [{ path: "web.js", change: "changed", lines: "+2 -1" }],
  config: [configChange],
  more: true,
};
export const setting: Setting = { name: "COLOR", value: "blue", secret: false, at, by };

export const event: ClusterEvent = {
  number: 12,
  at,
  kind: "deployed",
  repo: "webapp",
  environment: "staging",
  release: 12,
  by,
  commit,
  drone: "web-1",
  text: "webapp 74336bc is ready on 1 drone",
};

export const logLine: LogLine = {
  at,
  drone: "web-1",
  repo: "webapp",
  environment: "staging",
  release: 12,
  commit,
  service: "http",
  slot: 2,
  process: "c3d4",
  text: "listening on 15194",
};
export const logQuery: LogQuery = {
  repo: "webapp",
  environment: "staging",
  release: 12,
  deployments: ["0123456789abcdef"],
  services: ["http"],
  processes: ["c3d4"],
  since: at,
  last: 100,
  grep: "listen",
  follow: true,
};
export const terminal = { columns: 80, rows: 24, kind: "xterm-256color" };
export const runPart: RunPart = { kind: "output", drone: "web-1", stream: "err", data: base64 };
export const runResult: RunResult = { drone: "web-1", code: 143, signal: "SIGTERM" };
