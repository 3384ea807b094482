/**
 * The registry over HTTP and JSON, for every language that has a client for that: docs/registry.md.
 *
 * With a secret, reading needs it as well: the table tells a stranger where everything listens. Only
 * `/v1/health` answers everybody, with nothing worth knowing.
 */
import {
  assert,
  check,
  errorCatalogue,
  metaSchema,
  PropagitError,
  quote,
  toPropagitError,
  type EndpointQuery,
  type Peer,
} from "@propagit/protocol";
import { nodeCrypto, plainHost } from "@propagit/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { admitMeta } from "../core/record.js";
import { showTable } from "../core/show.js";
import type { Registry } from "../registry.js";
import { admitRequest, refuseBrowsers, refuseRebinding } from "./http-access.js";
import { registerPosted } from "./http-register.js";
import { EventStreams, parsePosition } from "./http-watch.js";

export interface HttpApiOptions {
  /** The shared secret, the same that the registry's `clusterKey` was stretched from. */
  readonly secret?: string;
}

export interface HttpApi {
  /** Ends the event streams, which would keep a server from closing. */
  stop(): void;
}

/** Bytes of a body: a record with all the metadata it may have, and room. */
const bodyBytesMax = 128 * 1024;

/** Adds `/v1/…` to a Fastify server, which may have other routes of its own. */
export function mountRegistry(
  app: FastifyInstance,
  registry: Registry,
  options: HttpApiOptions = {},
): HttpApi {
  const hasSecret = options.secret !== undefined;
  assert(hasSecret === (registry.clusterKey !== undefined), "HTTP and sessions want other secrets");
  const streams = new EventStreams(registry);
  const secrets = { secret: options.secret, clusterKey: registry.clusterKey };
  const admit = (request: FastifyRequest) =>
    admitRequest(nodeCrypto, secrets, request.headers.authorization);
  void app.register(
    async (routes) => {
      answerErrors(routes);
      takeJson(routes);
      routes.addHook("onRequest", async (request) => {
        if (!isReading(request)) refuseBrowsers(request.headers.origin);
        if (options.secret === undefined) {
          refuseRebinding(request.headers.host, request.socket.localAddress);
        }
        await registry.ready();
      });
      addReading(routes, { registry, streams, admit });
      addWriting(routes, { registry, admit });
    },
    { prefix: "/v1" },
  );
  return { stop: () => streams.stop() };
}

interface Parts {
  readonly registry: Registry;
  readonly admit: (request: FastifyRequest) => Peer["access"];
}

function addReading(
  routes: FastifyInstance,
  { registry, admit, streams }: Parts & { readonly streams: EventStreams },
): void {
  routes.get("/health", () => ({ status: "ok", settled: registry.isSettled }));
  routes.get("/records", (request) => {
    admit(request);
    return registry.query(readQuery(request.query));
  });
  routes.get("/show", (request) => {
    admit(request);
    return showTable(registry.query().endpoints);
  });
  // No HEAD: a stream has no end that could be told beforehand.
  routes.get("/watch", { exposeHeadRoute: false }, (request, reply) => {
    admit(request);
    const { since } = request.query as { since?: unknown };
    const last = request.headers["last-event-id"] ?? since;
    const position = typeof last === "string" && last !== "" ? parsePosition(last) : undefined;
    streams.open(reply.raw, position);
    return reply.hijack();
  });
}

function addWriting(routes: FastifyInstance, { registry, admit }: Parts): void {
  routes.post("/records", async (request, reply) => {
    const access = admit(request);
    const remoteHost = plainHost(request.socket.remoteAddress);
    const registered = await registerPosted(registry, { body: request.body, access, remoteHost });
    return reply.code(201).send(registered);
  });
  routes.put<{ Params: { id: string } }>("/records/:id/meta", (request) => {
    const meta = admitMeta(admit(request), readMeta(request.body));
    const set = registry.set(leaseOf(request), request.params.id, meta);
    return set.then((endpoint) => ({ endpoint }));
  });
  routes.delete<{ Params: { id: string } }>("/records/:id", (request, reply) => {
    admit(request);
    const freed = registry.free(leaseOf(request), request.params.id);
    return freed.then(() => reply.code(204).send());
  });
  routes.post<{ Params: { lease: string } }>("/leases/:lease/renew", (request) => {
    admit(request);
    return registry.renew(request.params.lease);
  });
  routes.delete<{ Params: { lease: string } }>("/leases/:lease", (request, reply) => {
    admit(request);
    const revoked = registry.revoke(request.params.lease);
    return revoked.then(() => reply.code(204).send());
  });
}

/** `?service=http@^1.2&commit=74336bc&meta.zone=eu`. @throws BAD_USAGE, BAD_PATTERN */
function readQuery(query: unknown): EndpointQuery {
  const meta: Record<string, string> = {};
  const parts: { service?: string; commit?: string } = {};
  for (const [key, value] of Object.entries(query as Record<string, unknown>)) {
    if (typeof value !== "string") throw badQuery(`${quote(key)} is given twice`);
    if (key === "service" || key === "commit") parts[key] = value;
    else if (key.startsWith("meta.")) meta[key.slice("meta.".length)] = value;
    else throw badQuery(`${quote(key)} is not something to ask for`);
  }
  return { ...parts, meta };
}

function badQuery(message: string): PropagitError {
  return new PropagitError("BAD_USAGE", message, {
    hint: "ask like /v1/records?service=http@^1.2&commit=74336bc&meta.zone=eu",
  });
}

function readMeta(body: unknown): Record<string, string> {
  const checked = check(metaSchema, body);
  if (checked.ok) return checked.value;
  throw new PropagitError("BAD_RECORD", `the metadata's ${checked.reason}`);
}

/** The lease as header `x-lease`, or as `?lease=`. @throws NO_LEASE */
function leaseOf(request: FastifyRequest): string {
  const { lease } = request.query as { lease?: unknown };
  const given = request.headers["x-lease"] ?? lease;
  if (typeof given === "string") return given;
  throw new PropagitError("NO_LEASE", "no lease was given", {
    hint: "send the lease that registering returned as header `x-lease`",
  });
}

/** Whatever the body calls itself, it is JSON: `curl -d` says it were a form. */
function takeJson(routes: FastifyInstance): void {
  routes.removeAllContentTypeParsers();
  const options = { parseAs: "string", bodyLimit: bodyBytesMax } as const;
  routes.addContentTypeParser("*", options, (_request, body: string | Buffer, done) => {
    try {
      const text = body.toString();
      done(null, text === "" ? undefined : JSON.parse(text));
    } catch (cause) {
      done(new PropagitError("BAD_RECORD", "the body is not JSON", { cause }));
    }
  });
}

function answerErrors(routes: FastifyInstance): void {
  routes.setErrorHandler((thrown, _request, reply) => sendError(reply, asCatalogued(thrown)));
  routes.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${quote(request.url)}`;
    return sendError(reply, new PropagitError("BAD_USAGE", message, { hint: docsHint }), 404);
  });
}

const docsHint = "see docs/registry.md for what there is";

/** Fastify's own refusals, in our words. */
function asCatalogued(thrown: unknown): PropagitError {
  const {
    code,
    statusCode = 500,
    message = "",
  } = thrown as Partial<Error> & {
    code?: unknown;
    statusCode?: number;
  };
  if (thrown instanceof PropagitError) return thrown;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new PropagitError("TOO_LARGE", `the body is larger than ${bodyBytesMax / 1024} KiB`);
  }
  if (statusCode < 500) return new PropagitError("BAD_USAGE", message, { hint: docsHint });
  return toPropagitError(thrown);
}

function sendError(
  reply: FastifyReply,
  error: PropagitError,
  status: number = errorCatalogue[error.code].status,
): FastifyReply {
  if (status === 401) void reply.header("www-authenticate", 'Basic realm="registry"');
  return reply.code(status).send({ error: error.toData() });
}

function isReading({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}
