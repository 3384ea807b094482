import { formatAddress, PropagitError, type Address } from "@propagit/protocol";
import type { ProxyOptions } from "@propagit/proxy";
import { Command } from "commander";
import { tlsOf, withTlsFlags, type TlsFlags } from "../certificate-flags.js";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import {
  asFlag,
  asRepeatedFlag,
  parseAddressFlag,
  parsePort,
  parseSeconds,
  parseWhole,
} from "../flags.js";
import { dataFolderOf } from "../folders.js";
import { findHub, findHubSecret, withHubFlags, type HubFlags } from "../hub-call.js";
import { metricsOf, withMetricsFlags, type MetricsFlags } from "../metrics-flags.js";
import {
  parseBytes,
  parseNetworks,
  parsePercent,
  parseSpan,
  parseWorkers,
} from "../proxy-flags.js";
import { findSecret } from "../secret.js";

interface ProxyFlags extends HubFlags, TlsFlags, MetricsFlags {
  readonly registry?: Address;
  readonly route?: readonly string[];
  readonly port: number;
  readonly host?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly service?: string;
  readonly zone?: string;
  readonly workers?: number;
  readonly trust?: readonly (readonly string[])[];
  readonly acceptProxyProtocol?: boolean;
  readonly h2c?: boolean;
  readonly forwarded?: boolean;
  readonly trace?: boolean;
  /** Times in ms. */
  readonly staleMax?: number;
  readonly timeout?: number;
  readonly connectTimeout?: number;
  readonly idleTimeout?: number;
  readonly keepAlive?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  readonly accessLog?: string;
  readonly accessLogSample?: number;
  readonly accessLogSize?: number;
  readonly data?: string;
}

/** More than that is a typing error. */
const connectionsMax = 1_000_000;

export function proxyCommand(): Command {
  const command = withHubFlags(
    new Command("proxy")
      .summary("run a proxy: one listener in front of all versions")
      .description(
        "Runs a proxy. `REPO.anything` goes where the repository's route says, `COMMIT--REPO.anything` to that commit. It keeps its last good table when hub or registry are away. With --registry and --route it needs no hub.",
      ),
  );
  const whole = withLogFlags(
    withTimeFlags(withVisitorFlags(withTlsFlags(withPlaceFlags(command)))),
  );
  return examples(whole, [
    "propagit proxy --hub=localhost:6001 --secret=beepboop --port=8000",
    "curl -H 'Host: webapp.localhost' localhost:8000",
    "propagit proxy --registry=localhost:6000 --route 'beep.example=http@1.x' --route '*=site' --port=8000",
  ]).action(runProxy);
}

function withPlaceFlags(command: Command): Command {
  return command
    .option(
      "--registry <host:port>",
      "follow this registry instead of a hub; see --route",
      asFlag(parseAddressFlag),
    )
    .option(
      "--route <host=service>",
      "without a hub: `HOST[/PATH]=SERVICE[@VERSIONS]`, `*` for any other host; repeatable",
      asRepeatedFlag(String),
    )
    .option("--port <port>", "port for visitors", asFlag(parsePort), 8000)
    .option("--host <address>", "address to listen on (default: all)")
    .option("--name <name>", "as `propagit proxies` shows it (default: HOSTNAME-PORT)")
    .option("--domain <domain>", "take host names below this domain only")
    .option("--service <name>", "service to send visitors to (default: http, web, or the only one)")
    .option("--zone <name>", "where it is: instances of the same zone are asked first")
    .option("--data <folder>", "data folder (default: ~/.propagit/proxy-PORT)")
    .option(
      "--workers <number>",
      "threads that serve, or `auto` for one for each core (default: 1)",
      asFlag(parseWorkers),
    );
}

function withVisitorFlags(command: Command): Command {
  return command
    .option(
      "--trust <networks>",
      "believe X-Forwarded-For, Forwarded and the like from these: 10.0.0.0/8,192.0.2.7; repeatable",
      asRepeatedFlag(parseNetworks),
    )
    .option(
      "--accept-proxy-protocol",
      "every connection begins with a PROXY header (v1 or v2) of who is in front; needs --trust",
    )
    .option("--forwarded", "tell apps of visitors by Forwarded (RFC 7239), too")
    .option("--trace", "have a place in W3C traces, and begin one where there is none")
    .option("--h2c", "speak HTTP/2 without TLS with those who begin with it")
    .option(
      "--max-connections <number>",
      "visitors' connections at the same time (default: 20000)",
      asFlag((text) => parseWhole(text, 1, connectionsMax)),
    )
    .option(
      "--max-connections-per-address <number>",
      "of these, of one address that is not in --trust; 0: all (default: a quarter)",
      asFlag((text) => parseWhole(text, 0, connectionsMax)),
    );
}

function withTimeFlags(command: Command): Command {
  return command
    .option("--timeout <seconds>", "longest wait for an answer's head (60)", asFlag(parseSeconds))
    .option(
      "--connect-timeout <seconds>",
      "longest wait for a connection to an instance (3)",
      asFlag(parseSeconds),
    )
    .option(
      "--idle-timeout <seconds>",
      "longest silence within an answer or a websocket (3600)",
      asFlag(parseSeconds),
    )
    .option(
      "--keep-alive <seconds>",
      "how long a visitor's connection is kept without a request (65)",
      asFlag(parseSeconds),
    )
    .option(
      "--stale-max <span>",
      "without a word from the hub for so long, such as 30s, answer 503 (default: serve on)",
      asFlag(parseSpan),
    );
}

function withLogFlags(command: Command): Command {
  return withMetricsFlags(
    command
      .option("--access-log <file>", "write a line of JSON for each request; `-`: standard output")
      .option(
        "--access-log-sample <percent>",
        "of requests that did not fail write only so many percent (100)",
        asFlag(parsePercent),
      )
      .option(
        "--access-log-size <size>",
        "begin another file then, five are kept (100MB)",
        asFlag(parseBytes),
      ),
  );
}

async function runProxy(flags: ProxyFlags): Promise<void> {
  const source = sourceOf(flags);
  hideSecret(["propagit proxy", ...from(source), `--port=${flags.port}`].join(" "));
  const log = daemonLog("proxy");
  const { inherit, serveAsHeir, startProxy, Succession } = await import("@propagit/proxy");
  const inheritance = await inherit();
  const proxy = await startProxy({
    ...source,
    ...placeOf(flags),
    ...tlsOf(flags),
    ...visitorsOf(flags),
    ...(inheritance && { inheritance }),
    log,
  });
  if (inheritance) {
    serveAsHeir(proxy);
    // The first process, which the one before and its supervisor know, is asked to restart.
    process.on("SIGUSR2", () => process.kill(process.ppid, "SIGUSR2"));
  }
  const threads =
    flags.workers === undefined || flags.workers === 1 ? "" : ` with ${flags.workers} workers`;
  const tls = proxy.tlsPort === undefined ? "" : `, with TLS on ${proxy.tlsPort}`;
  log.info(`listening on ${proxy.port}${tls}${threads}`);
  if (inheritance) return keepRunning(proxy);
  const succession = new Succession(proxy, log);
  process.on("SIGUSR2", () => void succession.succeed());
  await keepRunning(succession);
}

type Source = Pick<ProxyOptions, "hub" | "registry" | "routes" | "secret" | "dataFolder">;

/** @throws BAD_USAGE when it is not clear what to follow; NO_REMOTE */
function sourceOf(flags: ProxyFlags): Source {
  const { registry, route: routes = [], port, data } = flags;
  if (!registry && routes.length === 0) {
    const secret = findHubSecret(flags);
    const dataFolder = data ?? dataFolderOf(`proxy-${port}`);
    return { hub: findHub(flags), dataFolder, ...(secret !== undefined && { secret }) };
  }
  if (!registry || routes.length === 0 || flags.hub) {
    throw new PropagitError("BAD_USAGE", "--registry and --route belong together, without --hub", {
      hint: "propagit proxy --registry=localhost:6000 --route 'beep.example=http@1.x'",
    });
  }
  const secret = findSecret(flags);
  // Apart from that of a hub's proxy: its routes would be taken up.
  const dataFolder = data ?? dataFolderOf(`proxy-${port}-alone`);
  return { registry, routes, dataFolder, ...(secret !== undefined && { secret }) };
}

/** What it follows, as flags, for its title. */
function from({ hub, registry, routes = [] }: Source): readonly string[] {
  return [
    ...(hub ? [`--hub=${formatAddress(hub)}`] : []),
    ...(registry ? [`--registry=${formatAddress(registry)}`] : []),
    ...routes.map((route) => `--route=${route}`),
  ];
}

function placeOf(flags: ProxyFlags): Pick<ProxyOptions, "port"> & Partial<ProxyOptions> {
  const { port, host, name, domain, service, zone, workers, staleMax } = flags;
  return {
    port,
    ...(host !== undefined && { host }),
    ...(name !== undefined && { name }),
    ...(domain !== undefined && { domain }),
    ...(service !== undefined && { service }),
    ...(zone !== undefined && { zone }),
    ...(workers !== undefined && { workers }),
    ...(staleMax !== undefined && { staleMaxMs: staleMax }),
  };
}

/** @throws BAD_USAGE for flags that mean nothing without others */
function visitorsOf(flags: ProxyFlags): Partial<ProxyOptions> {
  const { trust, acceptProxyProtocol, h2c, forwarded, trace, timeout } = flags;
  if (acceptProxyProtocol && !trust) {
    throw new PropagitError("BAD_USAGE", "--accept-proxy-protocol believes whoever connects", {
      hint: "say who stands in front of the proxy: --trust=10.0.0.0/8",
    });
  }
  return {
    ...(trust && { trusted: trust.flat() }),
    ...(acceptProxyProtocol && { acceptsProxyProtocol: true }),
    ...(h2c && { h2c: true }),
    forwarding: { ...(forwarded && { forwarded }), ...(trace && { traceContext: "join" }) },
    ...(timeout !== undefined && { timeoutMs: timeout }),
    limits: limitsOf(flags),
    ...accessLogOf(flags),
    ...metricsOf(flags),
  };
}

function limitsOf(flags: ProxyFlags): NonNullable<ProxyOptions["limits"]> {
  const { connectTimeout, idleTimeout, keepAlive, maxConnections, maxConnectionsPerAddress } =
    flags;
  return {
    ...(connectTimeout !== undefined && { connectMs: connectTimeout }),
    ...(idleTimeout !== undefined && { answerIdleMs: idleTimeout, tunnelIdleMs: idleTimeout }),
    ...(keepAlive !== undefined && { keepAliveMs: keepAlive }),
    ...(maxConnections !== undefined && { connectionsMax: maxConnections }),
    ...(maxConnectionsPerAddress !== undefined && {
      connectionsPerAddressMax: maxConnectionsPerAddress,
    }),
  };
}

/** @throws BAD_USAGE for flags of a log that is not wanted */
function accessLogOf(flags: ProxyFlags): Pick<ProxyOptions, "accessLog"> {
  const { accessLog: path, accessLogSample: percent, accessLogSize: partBytesMax } = flags;
  if (path !== undefined) {
    return {
      accessLog: {
        path,
        ...(percent !== undefined && { percent }),
        ...(partBytesMax !== undefined && { partBytesMax }),
      },
    };
  }
  if (percent === undefined && partBytesMax === undefined) return {};
  throw new PropagitError("BAD_USAGE", "there is no access log that these flags could be for", {
    hint: "add --access-log=FILE, or --access-log=- for the standard output",
  });
}
