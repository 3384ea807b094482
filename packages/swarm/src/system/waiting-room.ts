/**
 * Connections that have proven nothing yet: bounded in time, and in number by address and in all.
 *
 *     enter ──> wait ──leave──> somebody else's
 *                 ├──too long──────> ended
 *                 └──room is full──> whoever waits longest is ended
 *
 * An honest newcomer waits some milliseconds, so the one who waits longest is the one to go: strangers who
 * hold connections open take places from each other, not from those who have something to say.
 */
import type { Socket } from "node:net";
import { plainHost } from "@propagit/runtime";

export interface WaitingRoomLimits {
  readonly totalMax: number;
  readonly perAddressMax: number;
  readonly limitMs: number;
}

/** Why somebody was ended who waited. */
export type WaitedInVain = "was too slow" | "had to make room";

interface Guest {
  readonly socket: Socket;
  readonly address: string;
  readonly leave: () => void;
}

export class WaitingRoom {
  readonly #limits: WaitingRoomLimits;
  readonly #ended: (address: string, why: WaitedInVain) => void;
  /** In the order in which they came. */
  readonly #guests = new Map<Socket, Guest>();
  readonly #byAddress = new Map<string, Set<Guest>>();

  /** @param ended told after somebody was ended; not when he went by himself */
  constructor(
    limits: WaitingRoomLimits,
    ended: (address: string, why: WaitedInVain) => void = () => undefined,
  ) {
    this.#limits = limits;
    this.#ended = ended;
  }

  get size(): number {
    return this.#guests.size;
  }

  /** @returns to be called when the socket waits no longer; any number of times */
  enter(socket: Socket): () => void {
    const address = plainHost(socket.remoteAddress);
    this.#makeRoom(address);
    const timer = setTimeout(() => this.#end(guest, "was too slow"), this.#limits.limitMs);
    timer.unref();
    const leave = () => {
      clearTimeout(timer);
      socket.off("close", leave);
      this.#remove(guest);
    };
    const guest: Guest = { socket, address, leave };
    this.#guests.set(socket, guest);
    const neighbours = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, neighbours.add(guest));
    socket.on("close", leave);
    return leave;
  }

  /** Ends all who wait. */
  close(): void {
    for (const { socket, leave } of this.#guests.values()) {
      leave();
      socket.destroy();
    }
  }

  #makeRoom(address: string): void {
    const neighbours = this.#byAddress.get(address);
    if (neighbours && neighbours.size >= this.#limits.perAddressMax) this.#endFirst(neighbours);
    if (this.#guests.size >= this.#limits.totalMax) this.#endFirst(this.#guests.values());
  }

  #endFirst(guests: Iterable<Guest>): void {
    for (const guest of guests) return this.#end(guest, "had to make room");
  }

  #end({ socket, address, leave }: Guest, why: WaitedInVain): void {
    leave();
    socket.destroy();
    this.#ended(address, why);
  }

  #remove(guest: Guest): void {
    this.#guests.delete(guest.socket);
    const neighbours = this.#byAddress.get(guest.address);
    neighbours?.delete(guest);
    if (neighbours?.size === 0) this.#byAddress.delete(guest.address);
  }
}
