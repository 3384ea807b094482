/**
 * How long a slow line is not read, so that more than one packet is there when it is.
 *
 *     packets     | | | | | | | | | | | | | | | |        each one a wake-up, a call of the kernel, an attempt to
 *     woken by    ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^        decrypt a record of which the rest is not there
 *     with rests              ^             ^
 *
 * Measured on a line of 4 MB/s with packets of 1,500 bytes: receiving cost ten times as much CPU for each GB as on a
 * fast one, which is woken for some hundred packets at once. Only the middle of a block is waited for, so nothing
 * that anybody says comes later.
 */
import { Rate } from "./pace.js";

/**
 * Waited for at most: four records of TLS, the window with which Linux begins. The more there is, the less it costs;
 * beyond it the other side would have to stop.
 */
const gatheredBytes = 32 * 1024;
/** A guess: nobody notices, and the queues of routers on the way do not matter, as the system reads on. */
const restMsMax = 100;
/** Of the times, so that few timers serve many lines; lines above 16 MB/s never rest. */
const restStepMs = 4;

export class Rests {
  readonly #rate = new Rate();
  #isExpecting = false;

  /**
   * Bytes came.
   *
   * @param expectedBytes sure to follow
   * @returns for how long not to read, in ms; 0: read on
   */
  after(bytes: number, expectedBytes: number, now: number): number {
    // The line's own rate: pauses in which nothing was under way say nothing of it.
    if (this.#isExpecting) this.#rate.add(now, bytes);
    this.#isExpecting = expectedBytes > 0;
    if (!this.#isExpecting) {
      this.#rate.stop(now);
      return 0;
    }
    this.#rate.start(now);
    const perSecond = this.#rate.perSecond(now);
    if (perSecond === 0) return 0;
    const ms = (Math.min(expectedBytes, gatheredBytes) * 1000) / perSecond;
    return Math.min(restMsMax, Math.floor(ms / restStepMs) * restStepMs);
  }
}
