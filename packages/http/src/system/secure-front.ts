/** Connections that are secured first: handed to TLS, and made a visitor's when that is through. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsMaterial } from "../core/certificate-choice.js";
import type { EngineCore } from "./core.js";
import { Http2Front } from "./http2-front.js";
import { carriedBy } from "./proxy-header.js";
import { TlsFront } from "./tls.js";
import { Transport } from "./transport.js";
import { VisitorConnection } from "./visitor-connection.js";

export class SecureFront {
  readonly #core: EngineCore;
  /** Made with the first certificate or connection: most engines have neither. */
  #front: TlsFront | undefined;

  constructor(core: EngineCore) {
    this.#core = core;
  }

  accept(raw: Socket): void {
    this.#tls.accept(raw);
  }

  use(material: TlsMaterial): void {
    this.#tls.use(material);
  }

  close(): void {
    this.#front?.close();
  }

  get #tls(): TlsFront {
    this.#front ??= new TlsFront({
      protocols: ["h2", "http/1.1"],
      onSecure: (connection, protocol, raw) => this.#secured(connection, protocol, raw),
    });
    return this.#front;
  }

  #secured(connection: TLSSocket, protocol: "h2" | "http/1.1", raw: Socket): void {
    if (this.#core.isStopping) return void connection.destroy();
    const carried = carriedBy(raw);
    if (protocol === "h2") {
      const { remoteAddress: address = "", localPort: port } = raw;
      return Http2Front.start(this.#core, connection, {
        isSecure: true,
        address: carried?.address ?? address,
        port: carried?.port ?? port,
      });
    }
    const visitor = new VisitorConnection(this.#core, {
      isSecure: true,
      expectsProxy: false,
      carried,
    });
    visitor.start(Transport.over(connection, visitor));
  }
}
