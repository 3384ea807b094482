/** The two ports of a hub and who answers what on them. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { acceptWires, sessionPaths } from "@propagit/runtime";
import { sharePort } from "@propagit/swarm";
import fastify from "fastify";
import type { Hub } from "../hub.js";
import { Cleanup } from "./cleanup.js";
import type { GitHttp } from "./git-http.js";
import { listen, type Listening } from "./listen.js";
import type { RegistryPart } from "./registry-part.js";

export interface FrontOptions {
  readonly host?: string;
  readonly port: number;
  readonly gitPort?: number;
}

export interface FrontParts {
  readonly hub: Hub;
  readonly git: GitHttp;
  /** Undefined when the registry is elsewhere. */
  readonly registry: RegistryPart | undefined;
  /** Takes connections for pieces, which begin as TLS does. */
  readonly acceptPeer: (socket: Socket) => void;
}

export class Front {
  readonly #options: FrontOptions;
  readonly #cleanup = new Cleanup();
  #main: Listening | undefined;
  #acceptPeer: FrontParts["acceptPeer"] | undefined;
  #handlers: { readonly main: RequestListener; readonly git: RequestListener } | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** Takes the ports; until `open` everybody is told to come again. @throws PORT_IN_USE, BAD_USAGE */
  async listen(): Promise<{ readonly port: number; readonly gitPort: number }> {
    const { host, port, gitPort = port === 0 ? 0 : port + 1 } = this.#options;
    const take = async (name: "main" | "git", wanted: number) => {
      const handler: RequestListener = (request, response) => {
        if (this.#handlers) this.#handlers[name](request, response);
        else answerText(request, response, 503, "the hub is just starting");
      };
      const listening = await listen({ handler, host, port: wanted });
      this.#cleanup.add(() => listening.close());
      return listening;
    };
    this.#main = await take("main", port);
    const shared = sharePort(this.#main.server, (socket) => {
      if (this.#acceptPeer) this.#acceptPeer(socket);
      else socket.destroy();
    });
    this.#cleanup.add(() => shared.close());
    const git = await take("git", gitPort);
    return { port: this.#main.port, gitPort: git.port };
  }

  async open({ hub, git, registry, acceptPeer }: FrontParts): Promise<void> {
    this.#acceptPeer = acceptPeer;
    const app = fastify({ logger: false });
    const api = registry?.mount(app);
    app.get("/", (_, reply) => reply.type("text/plain").send(greeting));
    app.setNotFoundHandler((_, reply) => reply.code(404).type("text/plain").send(greeting));
    await app.ready();
    this.#cleanup.add(() => app.close());
    const isGit: (...exchange: Exchange) => boolean = (...exchange) => git.handle(...exchange);
    this.#handlers = {
      main: (...exchange) => isGit(...exchange) || app.routing(...exchange),
      git: (...exchange) => isGit(...exchange) || answerText(...exchange, 404, greeting),
    };
    this.#acceptWires({ hub, registry });
    this.#cleanup.add(() => api?.stop());
  }

  /** Gives the ports back; whoever is still connected is cut off. */
  async close(): Promise<void> {
    await this.#cleanup.run();
  }

  #acceptWires({ hub, registry }: Pick<FrontParts, "hub" | "registry">): void {
    if (!this.#main) return;
    const wires = acceptWires(this.#main.server, {
      [sessionPaths.hub]: (wire) => hub.accept(wire),
      ...(registry && { [sessionPaths.registry]: (wire) => registry.accept(wire) }),
    });
    this.#cleanup.add(() => wires.closeAll());
  }
}

type Exchange = [request: IncomingMessage, response: ServerResponse];

const greeting =
  "This is a propagit hub. Push to it with git: git push http://HOST:PORT/NAME BRANCH\n";

function answerText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
): void {
  request.resume();
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(text);
}
