/** A Procfile: `name: command` a line. `web` listens, `release` is the release command, others work. */
import {
  mapAt,
  shortFor,
  type Located,
  type LocatedEntry,
  type LocatedMap,
  type Problems,
} from "@propagit/shapes";

/** As the map that propagit.yaml would have; undefined when it cannot be read. */
export function readProcfile(text: string, problems: Problems): LocatedMap | undefined {
  const services = new Map<string, LocatedEntry>();
  const top = new Map<string, LocatedEntry>();
  let at = 0;
  for (const line of text.split("\n")) {
    readLine(line, at, { services, top, problems });
    at += line.length + 1;
  }
  if (!problems.isEmpty) return undefined;
  top.set("services", { keyAt: 0, value: mapAt(0, services) });
  return mapAt(0, top);
}

interface Reading {
  readonly services: Map<string, LocatedEntry>;
  readonly top: Map<string, LocatedEntry>;
  readonly problems: Problems;
}

function readLine(line: string, at: number, { services, top, problems }: Reading): void {
  if (/^\s*(?:#|$)/.test(line)) return;
  const match = /^(\s*)([A-Za-z0-9][A-Za-z0-9._-]{0,62})(\s*:\s*)(\S.*?)\s*$/.exec(line);
  if (!match) {
    problems.add(at, "is not of the form `name: command`");
    return;
  }
  const [, space = "", name = "", colon = "", words = ""] = match;
  const keyAt = at + space.length;
  const command = scalar(words, keyAt + name.length + colon.length);
  if (services.has(name) || (name === "release" && top.has(name))) {
    problems.add(keyAt, `\`${name}\` is here twice`);
  }
  if (name === "release") top.set(name, { keyAt, value: shortFor("command", command) });
  else services.set(name, { keyAt, value: serviceOf(name, command) });
}

function serviceOf(name: string, command: Located): LocatedMap {
  const service = shortFor("command", command);
  if (name === "web") return service;
  const none = { keyAt: command.at, value: scalar("none", command.at) };
  return mapAt(command.at, [...service.entries, ["port", none]]);
}

function scalar(value: string, at: number): Located {
  return { kind: "scalar", value, source: value, at };
}
