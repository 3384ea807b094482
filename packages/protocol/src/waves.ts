/** In which order drones get a release, and how much of a service is left alone meanwhile: said, not yet planned. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { count, exact, milliseconds, name } from "./shape.js";

/** Which drones come together. */
const waveBySchema = Type.Union([
  exact({ kind: Type.Literal("once") }),
  /** A wave for each value, those without the label last. */
  exact({ kind: Type.Literal("label"), key: Type.String({ minLength: 1, maxLength: 300 }) }),
  /** Of the drones that are left for them, rising; the last is 100. */
  exact({
    kind: Type.Literal("percent"),
    steps: Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), { minItems: 1, maxItems: 50 }),
  }),
  /** So many drones go on running what they run while others are replaced. */
  exact({ kind: Type.Literal("min-up"), minUp: count }),
]);

const rules = {
  /** Default: all at once. */
  by: Type.Optional(waveBySchema),
  /** Name of the drone that goes alone, before all others. */
  canary: Type.Optional(name),
  /** From the end of a wave until the next begins; 7 days at most. */
  afterMs: Type.Optional(milliseconds),
};

/** As a manifest says it, for every release of an environment. */
export const waveRulesSchema = exact(rules);
export type WaveRulesSaid = Static<typeof waveRulesSchema>;

/** As whoever asks for a release says it, over the manifest: each wave is ready before the next begins. */
export const wavesSchema = exact({
  ...rules,
  /** One by one where otherwise too little of a service, or of `minUp`, would be left. */
  force: Type.Optional(Type.Boolean()),
});
export type WavesWish = Static<typeof wavesSchema>;

/** How much of a service stays up while the rest of it is replaced. */
export const minUpSchema = Type.Union([
  exact({ instances: count }),
  /** Of all its instances, rounded up. */
  exact({ percent: Type.Integer({ minimum: 0, maximum: 99 }) }),
]);
export type MinUp = Static<typeof minUpSchema>;

/** Of so many instances. */
export function minUpOf(minUp: MinUp, instances: number): number {
  return "instances" in minUp ? minUp.instances : Math.ceil((instances * minUp.percent) / 100);
}

type LabelWaves = Extract<NonNullable<WavesWish["by"]>, { kind: "label" }>;

/** `zone` or `label:KEY`; undefined: it says neither. */
export function parseWaveLabel(text: string): LabelWaves | undefined {
  if (text === "zone") return { kind: "label", key: "zone" };
  const key = /^label:([A-Za-z0-9][A-Za-z0-9._-]{0,62})$/.exec(text)?.[1];
  return key === undefined ? undefined : { kind: "label", key };
}

/** `25` or `25%`; undefined: it is no whole number from 1 to 100. */
export function parseWavePercent(text: string): number | undefined {
  const match = /^(\d{1,3}) ?%?$/.exec(text.trim());
  const percent = Number(match?.[1]);
  return match && percent >= 1 && percent <= 100 ? percent : undefined;
}
