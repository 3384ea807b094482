/** Networks as people write them (`10.0.0.0/8`, `fd00::/8`, `127.0.0.1`), and whether an address is in one. */

/** Sixteen bytes; IPv4 as `::ffff:a.b.c.d`, so that both ways to write it are one. */
type Address = readonly number[];

interface Network {
  readonly address: Address;
  readonly bits: number;
}

const bytesOfAddress = 16;
const bitsOfAddress = 128;
const mappedBits = 96;

export class NetworkList {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /** @throws a RangeError that names what is no network. */
  static parse(texts: readonly string[]): NetworkList {
    return new NetworkList(
      texts.map((text) => {
        const network = parseNetwork(text);
        if (network === undefined)
          throw new RangeError(`"${text}" is no network, such as 10.0.0.0/8`);
        return network;
      }),
    );
  }

  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  /** Whether the address is in one of them; what is no address is in none. */
  has(address: string): boolean {
    if (this.#networks.length === 0) return false;
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#networks.some((network) => isIn(parsed, network));
  }
}

export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

function parseNetwork(text: string): Network | undefined {
  const [host = "", bitsText, ...rest] = text.split("/");
  const address = parseAddress(host);
  if (address === undefined || rest.length > 0) return undefined;
  const shift = host.includes(":") ? 0 : mappedBits;
  if (bitsText === undefined) return { address, bits: bitsOfAddress };
  if (!/^\d{1,3}$/.test(bitsText)) return undefined;
  const bits = Number(bitsText) + shift;
  return bits <= bitsOfAddress ? { address, bits } : undefined;
}

function isIn(address: Address, { address: network, bits }: Network): boolean {
  for (let at = 0; at * 8 < bits; at++) {
    const mask = bits - at * 8 >= 8 ? 0xff : (0xff << (8 - (bits - at * 8))) & 0xff;
    if ((((address[at] as number) ^ (network[at] as number)) & mask) !== 0) return false;
  }
  return true;
}

/** IPv4, or IPv6 with or without a zone. */
function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const four = parseFour(text);
    return four && [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, ...four];
  }
  const [address = ""] = text.split("%");
  return parseSix(address);
}

function parseFour(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? numbers : undefined;
}

function parseSix(text: string): Address | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const before = parseGroups(halves[0] ?? "");
  const after = parseGroups(halves[1] ?? "");
  if (before === undefined || after === undefined) return undefined;
  const missing = bytesOfAddress - before.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
}

/** Groups between colons; the last may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    const four = index === groups.length - 1 && group.includes(".") ? parseFour(group) : undefined;
    if (four !== undefined) bytes.push(...four);
    else if (/^[\da-f]{1,4}$/i.test(group))
      bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
