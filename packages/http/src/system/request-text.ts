/** The head of a request as its endpoint gets it. */
import { requestFates } from "../core/drops.js";
import { requestHeadText, type RequestPlan } from "../core/rewrite.js";
import type { Forward } from "../exchange.js";
import type { VisitorSide } from "./visitor-side.js";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Filled for each head; nothing of it is kept. */
const plan: Mutable<RequestPlan> = {
  fates: requestFates(),
  lines: "",
  keepsFraming: true,
  keepsUpgrade: false,
  keepsExpect: true,
};

export function requestText({ head, bytes, forwarding }: VisitorSide, forward: Forward): string {
  plan.fates = forwarding.fates;
  plan.method = forward.method;
  plan.target = forward.target;
  plan.host = forward.host;
  plan.edits = forward.requestEdits;
  plan.keepsUpgrade = head.upgradeStart >= 0;
  plan.lines = forwarding.linesOf(bytes, head);
  return requestHeadText(bytes, head, plan);
}
