/** What a project seems to consist of, from its files: values in, values out. */
import { parseJson } from "@propagit/protocol";

export interface FoundService {
  readonly name: string;
  readonly command: string;
  readonly listens: boolean;
}

export interface Found {
  /** What it was told by, for people: `package.json`. */
  readonly from: string;
  readonly services: readonly FoundService[];
  readonly build?: { readonly command: string; readonly cache: readonly string[] };
  readonly release?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the user should know, a sentence each. */
  readonly hints: readonly string[];
}

export interface ProjectFiles {
  /** Whether the project has this file. */
  has(path: string): boolean;
  /** The text of a file; undefined when there is none. */
  read(path: string): string | undefined;
}

/** The first that fits; without any, a service that the user fills in. */
export function findProject(files: ProjectFiles): Found {
  const found =
    ofProcfile(files) ??
    ofNode(files) ??
    ofPython(files) ??
    ofGo(files) ??
    ofStatic(files) ??
    unknown;
  const exposed = /^EXPOSE\s+(\d+)/im.exec(files.read("Dockerfile") ?? "")?.[1];
  const hint = `the Dockerfile exposes ${exposed}: let the app listen on the PORT it is given instead, or write \`port: ${exposed}\``;
  return exposed === undefined ? found : { ...found, hints: [...found.hints, hint] };
}

/** Left to the Procfile itself, which is read as it is; here only so that it can be shown. */
function ofProcfile(files: ProjectFiles): Found | undefined {
  const text = files.read("Procfile");
  if (text === undefined) return undefined;
  const lines = [...text.matchAll(/^\s*([A-Za-z0-9][\w.-]*)\s*:\s*(\S.*?)\s*$/gm)];
  const all = lines.map(([, name = "", command = ""]) => ({
    name,
    command,
    listens: name === "web",
  }));
  const release = all.find(({ name }) => name === "release")?.command;
  return {
    from: "Procfile",
    services: all.filter(({ name }) => name !== "release"),
    ...nodeBuild(files),
    ...(release !== undefined && { release }),
    hints: ["propagit.yaml now counts in place of the Procfile"],
  };
}

/** Files that a Node server is usually called, the likeliest first. */
const nodeMains = [
  "server.js",
  "web.js",
  "app.js",
  "index.js",
  "main.js",
  "server.mjs",
  "index.mjs",
];

function ofNode(files: ProjectFiles): Found | undefined {
  const text = files.read("package.json");
  const manifest = text === undefined ? undefined : asRecord(parseJson(text));
  const start = asRecord(manifest?.["scripts"])?.["start"];
  const { main } = manifest ?? {};
  const file = [main, ...nodeMains].find((one) => typeof one === "string" && files.has(one));
  if (typeof start === "string" && start.trim() !== "") {
    return { from: "package.json", ...nodeService(start), ...nodeBuild(files), hints: [] };
  }
  if (typeof file !== "string") return undefined;
  return { from: file, ...nodeService(`node ${file}`), ...nodeBuild(files), hints: [] };
}

function nodeService(command: string): Pick<Found, "services"> {
  return { services: [{ name: "web", command, listens: true }] };
}

/** Installs what the lock file says; runs the project's own `build`, if it has one. */
function nodeBuild(files: ProjectFiles): Pick<Found, "build"> {
  const manifest = asRecord(parseJson(files.read("package.json") ?? ""));
  if (!manifest) return {};
  const needs = ["dependencies", "devDependencies"].some(
    (key) => Object.keys(asRecord(manifest[key]) ?? {}).length > 0,
  );
  const [install, run] = packageManager(files);
  const builds = typeof asRecord(manifest["scripts"])?.["build"] === "string";
  const steps = [...(needs ? [install] : []), ...(builds ? [run] : [])];
  if (steps.length === 0) return {};
  return { build: { command: steps.join(" && "), cache: needs ? ["node_modules"] : [] } };
}

function packageManager(files: ProjectFiles): readonly [install: string, run: string] {
  if (files.has("pnpm-lock.yaml")) return ["pnpm install --frozen-lockfile", "pnpm run build"];
  if (files.has("yarn.lock")) return ["yarn install --frozen-lockfile", "yarn run build"];
  return [files.has("package-lock.json") ? "npm ci" : "npm install", "npm run build"];
}

function ofPython(files: ProjectFiles): Found | undefined {
  const needs = files.has("requirements.txt");
  const command = pythonCommand(files);
  if (command === undefined) return undefined;
  const service = { name: "web", command, listens: true };
  if (!needs) return { from: "its Python files", services: [service], hints: [] };
  // Not a virtual environment: those know the folder they were made in, and this one will be elsewhere.
  const install = "python3 -m pip install --quiet --target .packages -r requirements.txt";
  return {
    from: "requirements.txt",
    services: [service],
    build: { command: install, cache: [".packages"] },
    env: { PYTHONPATH: ".packages" },
    ...(files.has("manage.py") && { release: "python3 manage.py migrate --noinput" }),
    hints: [],
  };
}

function pythonCommand(files: ProjectFiles): string | undefined {
  if (files.has("manage.py")) return 'python3 manage.py runserver --noreload "0.0.0.0:$PORT"';
  const file = ["app.py", "main.py", "server.py", "wsgi.py"].find((one) => files.has(one));
  return file && `python3 ${file}`;
}

function ofGo(files: ProjectFiles): Found | undefined {
  if (!files.has("go.mod")) return undefined;
  return {
    from: "go.mod",
    services: [{ name: "web", command: "./app", listens: true }],
    build: { command: "go build -o app .", cache: [] },
    hints: [],
  };
}

function ofStatic(files: ProjectFiles): Found | undefined {
  const folder = ["", "public/", "dist/"].find((one) => files.has(`${one}index.html`));
  if (folder === undefined) return undefined;
  const where = folder === "" ? "" : ` --directory ${folder.slice(0, -1)}`;
  return {
    from: `${folder}index.html`,
    services: [{ name: "web", command: `python3 -m http.server "$PORT"${where}`, listens: true }],
    hints: ["python3 serves the files, so the drones' machines need it"],
  };
}

const unknown: Found = {
  from: "nothing",
  services: [{ name: "web", command: "./start", listens: true }],
  hints: ["nothing here says how it is started: put its command in place of ./start"],
};

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
