/** Which of the managers it is, at a host. */
import { choice, described } from "@propagit/shapes";
import type { Manager, ManagerKind } from "./manager.js";
import { ownLoop } from "./own-loop.js";
import { systemd } from "./systemd.js";
import type { Place } from "./there.js";

/** `auto`: of the machine for root, else of the user. */
const managers = ["auto", "user", "system", "none"] as const;
export type ManagerWish = (typeof managers)[number];

export const managerArg = described(
  "Who keeps the drone running: systemd for its `user` or for the `system`; `none`: a loop of our own.",
  choice(...managers),
);

export function managerOf(wish: ManagerWish, { isRoot }: Pick<Place, "isRoot">): ManagerKind {
  if (wish !== "auto") return wish;
  return isRoot ? "system" : "user";
}

export function managerAt(kind: ManagerKind, place: Place): Manager {
  return kind === "none" ? ownLoop(place) : systemd(kind, place);
}
