/**
 * The first bytes of a connection that should speak TLS, read before anything is decided about it:
 *
 *     22 3 x LL LL | 1 LLL | version random session ciphers compression | extensions: server_name, ALPN
 *      record        handshake                    client hello (RFC 8446, section 4.1.2)
 *
 * So the right certificate, or a readable refusal, is known before a handshake costs anything. Whether the
 * rest of it is right is for OpenSSL to say: it gets the very same bytes.
 */

export type FirstBytes =
  | { readonly kind: "more" }
  | {
      readonly kind: "hello";
      /** Lower-case, without a dot at its end; undefined when none is named. */
      readonly serverName: string | undefined;
      /** What the client would speak (ALPN), in its order; empty when it does not say. */
      readonly protocols: readonly string[];
    }
  /** Somebody speaks plain HTTP. */
  | { readonly kind: "http" }
  | { readonly kind: "foreign"; readonly reason: string };

/** As OpenSSL takes it (`SSL3_RT_MAX_PLAIN_LENGTH`), in one record or several. */
const helloBytesMax = 16_384;
const recordHeadBytes = 5;
const [handshakeRecord, clientHello] = [22, 1];
const [serverNameExtension, alpnExtension] = [0, 16];

export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  const [first] = bytes;
  if (first === undefined) return { kind: "more" };
  // Methods of HTTP are letters, and begin with capital ones.
  if (first >= 0x41 && first <= 0x5a) return { kind: "http" };
  if (first !== handshakeRecord) return foreign("it does not begin as TLS does");
  const whole = handshakeOf(bytes);
  return whole instanceof Uint8Array ? readHello(whole) : whole;
}

/** The client hello out of its records, without its own head. */
function handshakeOf(bytes: Uint8Array): Uint8Array | FirstBytes {
  const parts: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== handshakeRecord) return foreign("its hello is interrupted");
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return foreign("it is not of TLS 1");
    if (bytes.length < at + recordHeadBytes) return { kind: "more" };
    const size = uint16(bytes, at + 3);
    if (size === 0 || size > helloBytesMax) return foreign("a record has no size that can be");
    at += recordHeadBytes;
    for (const byte of bytes.subarray(at, at + size)) parts.push(byte);
    at += size;
    const wanted = helloBytes(parts);
    if (typeof wanted === "object") return wanted;
    if (wanted !== undefined && parts.length >= wanted) {
      return Uint8Array.from(parts.slice(4, wanted));
    }
  }
  return { kind: "more" };
}

/** Bytes of the hello with its head of four; undefined when that is not there yet. */
function helloBytes(parts: readonly number[]): number | FirstBytes | undefined {
  const [kind, high, middle, low] = parts;
  if (kind !== undefined && kind !== clientHello) return foreign("it does not begin with a hello");
  if (high === undefined || middle === undefined || low === undefined) return undefined;
  const size = 4 + high * 65_536 + middle * 256 + low;
  return size > helloBytesMax ? foreign("its hello is too long") : size;
}

function readHello(hello: Uint8Array): FirstBytes {
  const reader = new Reader(hello);
  // Version and random.
  reader.skip(34);
  reader.block(1);
  reader.block(2);
  reader.block(1);
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  const extensions = new Reader(reader.left > 0 ? reader.block(2) : new Uint8Array());
  while (extensions.left > 0 && !extensions.isBroken) {
    const kind = extensions.number(2);
    const body = new Reader(extensions.block(2));
    if (kind === serverNameExtension) serverName = nameOf(new Reader(body.block(2)));
    if (kind === alpnExtension) protocols = protocolsOf(new Reader(body.block(2)));
    if (body.isBroken) return foreign("an extension of its hello is cut off");
  }
  if (reader.isBroken || extensions.isBroken) return foreign("its hello is cut off");
  return { kind: "hello", serverName, protocols };
}

function nameOf(list: Reader): string | undefined {
  while (list.left > 0 && !list.isBroken) {
    const kind = list.number(1);
    const name = list.block(2);
    if (kind !== 0 || list.isBroken) continue;
    return latin1(name).toLowerCase().replace(/\.$/, "") || undefined;
  }
  return undefined;
}

function protocolsOf(list: Reader): readonly string[] {
  const protocols: string[] = [];
  while (list.left > 0 && !list.isBroken) {
    const name = list.block(1);
    if (!list.isBroken) protocols.push(latin1(name));
  }
  return protocols;
}

/** Reads numbers and blocks in turn; past the end it is broken, and gives nothing more. */
class Reader {
  isBroken = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(size: number): void {
    this.take(size);
  }

  number(size: 1 | 2): number {
    const [high = 0, low = 0] = this.take(size);
    return size === 1 ? high : high * 256 + low;
  }

  /** What a length of one or two bytes stands in front of. */
  block(lengthSize: 1 | 2): Uint8Array {
    return this.take(this.number(lengthSize));
  }

  take(size: number): Uint8Array {
    if (size > this.left) {
      this.isBroken = true;
      return new Uint8Array();
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function foreign(reason: string): FirstBytes {
  return { kind: "foreign", reason };
}
