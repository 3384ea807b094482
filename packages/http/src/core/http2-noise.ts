/**
 * How much a visitor of HTTP/2 sends that brings nothing: PRIORITY, PING, SETTINGS, WINDOW_UPDATE and unknown frames have
 * no bound of their own in nghttp2, and cost time to read. Node tells of few of them, so bytes are counted instead:
 *
 *     noise = bytes that came - what they brought (heads, bodies, room for answers) - what anybody may
 *
 *     -ahead ......... 0 ......... noiseBytesMax ──> cut
 *        <── brought ── │ ── came ──>
 *
 * What was brought is counted generously, since it costs us more than the noise that it excuses: only those are cut who
 * send next to nothing else. Below 0 the count goes as far as bytes may be under way that somebody was promised room for.
 */

/** Flows out; 900 pings a second, of which a lively client sends one. */
const bytesPerMs = 16;
/** Some 18,000 frames of PRIORITY at once: 5 to 10 ms of work. A guess. */
const noiseBytesMax = 256 * 1024;
const aheadBytesMax = 1024 * 1024;
/** Beside its fields a request may have PRIORITY, padding, CONTINUATION, WINDOW_UPDATE, RST_STREAM. */
const streamBytes = 512;
/** What HPACK adds to a field at most, if it is sent as it is. */
const fieldBytes = 8;
/** DATA of 9 bytes with a header of 9: smaller ones on the whole are noise. */
const perDataByte = 2;
/** Two WINDOW_UPDATE, 26 bytes, for each 100 bytes that go out. */
const perSentByte = 1 / 4;

export class Http2Noise {
  #noiseBytes = 0;
  /** Since the last measure. */
  #broughtBytes = 0;
  #cameBytes = 0;
  #sentBytes = 0;
  #dataBytes = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** A stream was opened. @param fields names and values in turn */
  opened(fields: readonly string[]): void {
    this.#broughtBytes += streamBytes;
    for (const text of fields) this.#broughtBytes += text.length + fieldBytes / 2;
  }

  /** A stream is over of whose body so much may still come, to be thrown away. */
  promised(bytes: number): void {
    this.#broughtBytes += bytes;
  }

  /**
   * All are sums since the connection began, `data` that of bodies of requests.
   * @returns whether it is too much
   */
  measure(
    nowMs: number,
    { came, sent, data }: { readonly came: number; readonly sent: number; readonly data: number },
  ): boolean {
    this.#broughtBytes +=
      perDataByte * Math.max(0, data - this.#dataBytes) + perSentByte * (sent - this.#sentBytes);
    const noise = this.#noiseBytes + came - this.#cameBytes - this.#broughtBytes;
    // Time alone makes nobody's account good for more than nothing.
    const leak = Math.min(Math.max(0, noise), bytesPerMs * (nowMs - this.#atMs));
    this.#noiseBytes = Math.max(-aheadBytesMax, noise - leak);
    this.#broughtBytes = 0;
    this.#atMs = nowMs;
    this.#cameBytes = came;
    this.#sentBytes = sent;
    this.#dataBytes = Math.max(this.#dataBytes, data);
    return this.#noiseBytes > noiseBytesMax;
  }
}
