/** Experiments and shadows as somebody asks for them; refs are as a user writes them. */
import * as Type from "typebox";
import { reference } from "./hub-params.js";
import { conditionSchema } from "./rules.js";
import { exact, list } from "./shape.js";
import { trafficWord } from "./traffic.js";

export const experimentStart = {
  name: trafficWord,
  variants: list(
    exact({
      name: trafficWord,
      weight: Type.Number({ minimum: 0, maximum: 1_000_000 }),
      /** What serves it; absent: whatever the shares say. */
      ref: Type.Optional(reference),
    }),
    20,
  ),
  rules: list(exact({ when: conditionSchema, variant: trafficWord }), 20),
  audience: Type.Optional(conditionSchema),
} as const;

/** With `promote`, all visitors are sent to what served that variant, in the same transaction. */
export const experimentStop = {
  name: trafficWord,
  promote: Type.Optional(trafficWord),
} as const;

/** A part of the requests is copied there; without `to` no longer. */
export const shadowWish = {
  to: Type.Optional(
    exact({ ref: reference, percent: Type.Number({ exclusiveMinimum: 0, maximum: 100 }) }),
  ),
} as const;
