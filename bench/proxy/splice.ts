/**
 * What Node's sockets cost by themselves: a proxy that reads nothing of what it carries. Each visitor gets a
 * connection to the app of his own, bytes go through as they are, with the same means as ours: a fixed buffer to
 * read into on both sides, writes past the stream's queue, at the end of the turn. No proxy on Node that
 * understands HTTP can cost less than this.
 *
 *     node splice.js '{"port":…,"backend":…}'
 */
import { connect, createServer, Socket } from "node:net";

const { port, backend } = JSON.parse(process.argv[2] ?? "{}") as { port: number; backend: number };
const shared = Buffer.allocUnsafeSlow(16 * 1024);

interface Writing {
  _write(data: string, encoding: string, written: () => void): void;
}

const nothing = () => undefined;
let late: Side[] = [];

/** One of the two sockets, and what goes there at the end of the turn. */
class Side {
  socket!: Socket;
  other!: Side;
  #late = "";

  /** As `onread` of its socket. */
  get onread() {
    return { buffer: shared, callback: (count: number) => this.#read(count) };
  }

  use(socket: Socket): void {
    this.socket = socket;
    socket
      .on("error", nothing)
      .on("end", () => this.other.socket.end())
      .on("close", () => this.other.socket.destroy());
  }

  flush(): void {
    const data = this.#late;
    this.#late = "";
    if (!this.socket.destroyed) (this.socket as unknown as Writing)._write(data, "latin1", nothing);
  }

  #read(count: number): boolean {
    this.other.#write(shared.toString("latin1", 0, count));
    return true;
  }

  #write(text: string): void {
    if (this.#late === "" && late.push(this) === 1) setImmediate(flushAll);
    this.#late += text;
  }
}

function flushAll(): void {
  const sides = late;
  late = [];
  for (const side of sides) side.flush();
}

function carry(handle: object): void {
  const visitor = new Side();
  const app = new Side();
  [visitor.other, app.other] = [app, visitor];
  app.use(connect({ port: backend, host: "127.0.0.1", noDelay: true, onread: app.onread }));
  // `handle` is not in the documentation of the constructor.
  visitor.use(new Socket({ handle, onread: visitor.onread } as object));
}

interface Listening {
  _handle: { onconnection: (error: number, handle?: object) => void };
}

const server = createServer().listen({ port, host: "127.0.0.1", backlog: 4096 }, () => {
  (server as unknown as Listening)._handle.onconnection = (error, handle) => {
    if (error === 0 && handle !== undefined) carry(handle);
  };
  process.send?.("ready");
});
process.once("SIGTERM", () => process.exit(0));
