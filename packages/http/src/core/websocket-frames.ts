/**
 * Where frames of a websocket begin and end (RFC 6455, 5.2), followed without looking into them: a close frame of
 * the proxy may only stand between two others.
 *
 *     byte 0   byte 1                 0, 2 or 8 bytes    0 or 4     payload
 *     FIN op │ mask? length 0..125 │ longer length │ mask key │ ………
 */

const longestHeader = 14;

export class FrameFollower {
  #header = Buffer.alloc(longestHeader);
  #have = 0;
  #payloadLeft = 0;

  /** Whether the next byte begins a frame. */
  get isBetweenFrames(): boolean {
    return this.#have === 0 && this.#payloadLeft === 0;
  }

  follow(bytes: Buffer, from: number, to: number): void {
    let at = this.isBetweenFrames ? skipSmallFrames(bytes, from, to) : from;
    while (at < to) {
      if (this.#payloadLeft > 0) {
        const some = Math.min(to - at, this.#payloadLeft);
        this.#payloadLeft -= some;
        at += some;
        continue;
      }
      this.#header[this.#have++] = bytes[at++] as number;
      if (this.#have >= 2 && this.#have === headerBytes(this.#header[1] as number)) {
        this.#payloadLeft = payloadBytes(this.#header);
        this.#have = 0;
      }
    }
  }
}

/** "Going away", from the proxy: to a visitor as a server's, to an endpoint as a client's, which is masked. */
export function closeFrame(isMasked: boolean): Buffer {
  const code = 1001;
  const payload = [code >> 8, code & 0xff];
  // RFC 6455 wants the key unpredictable against scripts that choose payloads; here nobody chooses.
  const key = [0x5a, 0x17, 0xc3, 0x88];
  if (!isMasked) return Buffer.from([0x88, payload.length, ...payload]);
  const masked = payload.map((byte, index) => byte ^ (key[index] as number));
  return Buffer.from([0x88, 0x80 | payload.length, ...key, ...masked]);
}

/** Most messages are small and come in one piece: no header needs to be kept of them. */
function skipSmallFrames(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at + 2 <= to) {
    const second = bytes[at + 1] as number;
    const length = second & 0x7f;
    const next = at + 2 + length + ((second & 0x80) === 0 ? 0 : 4);
    if (length > 125 || next > to) return at;
    at = next;
  }
  return at;
}

function headerBytes(second: number): number {
  const length = second & 0x7f;
  const extra = length === 127 ? 8 : length === 126 ? 2 : 0;
  return 2 + extra + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadBytes(header: Buffer): number {
  const length = (header[1] as number) & 0x7f;
  if (length === 126) return header.readUInt16BE(2);
  if (length === 127) return header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6);
  return length;
}
