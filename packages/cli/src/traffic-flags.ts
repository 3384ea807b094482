/** Arguments of the commands about traffic: durations, host names, variants, conditions. */
import { parseDuration } from "@propagit/shapes";
import { PropagitError, quote, type Condition, type Params } from "@propagit/protocol";

export type WantedVariant = Params<"hub.experiment-start">["variants"][number];
export type WantedRule = Params<"hub.experiment-start">["rules"][number];

/** As the protocol allows it. */
const durationMsMax = 7 * 86_400_000;
const stepMsMin = 1_000;

/** `30s`, `5m`, as in propagit.yaml; above 0, and at most 7d. @throws BAD_USAGE */
export function parseDurationMs(text: string): number {
  return durationWhere(text, (ms) => ms > 0, "is not above 0 and at most 7d");
}

/** The same, from 1s. @throws BAD_USAGE */
export function parseStepMs(text: string): number {
  return durationWhere(text, (ms) => ms >= stepMsMin, "is not from 1s to 7d");
}

function durationWhere(text: string, isEnough: (ms: number) => boolean, otherwise: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok && isEnough(parsed.value) && parsed.value <= durationMsMax) return parsed.value;
  throw new PropagitError("BAD_USAGE", `${quote(text)} ${parsed.ok ? otherwise : parsed.why}`);
}

/** `www.example.com/shop`; what may stand there is the hub's to say. */
export function parseHostPlace(text: string): { readonly host: string; readonly path?: string } {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  const path = slash < 0 ? "" : text.slice(slash);
  if (text.includes("://") || host === "" || host.length > 253 || text.length > 1_000) {
    throw new PropagitError(
      "BAD_USAGE",
      `${quote(text)} is not a host name with or without a path`,
      {
        hint: "write it like www.example.com, www.example.com/shop or *.example.com",
      },
    );
  }
  return { host, ...(path !== "" && path !== "/" && { path }) };
}

/** Above 0 and up to 100, with or without a percent sign. @throws BAD_USAGE */
export function parsePercent(text: string): number {
  const [, number] = /^(\d{1,3}(?:\.\d{1,3})?)\s?%?$/.exec(text) ?? [];
  const percent = Number(number ?? Number.NaN);
  if (percent > 0 && percent <= 100) return percent;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not a percentage above 0 and up to 100`);
}

const word = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
const variantPattern = new RegExp(`^(${word})=(\\d{1,20}(?:\\.\\d{1,6})?)%?(?::(.{1,250}))?$`);

/** As the protocol allows it. */
const weightMax = 1_000_000;

/** `b=50:40548da`, or `a=50` for whoever the shares send visitors to. @throws BAD_USAGE */
export function parseVariant(text: string): WantedVariant {
  const [, name, weight, ref] = variantPattern.exec(text) ?? [];
  if (name !== undefined) {
    if (Number(weight) > weightMax) {
      throw new PropagitError("BAD_USAGE", `the weight of ${name} is above ${weightMax}`);
    }
    return { name, weight: Number(weight), ...(ref !== undefined && { ref }) };
  }
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form NAME=WEIGHT:COMMIT`, {
    hint: "write it like --variant b=50:40548da, or a=50 for the commit that visitors get anyway",
  });
}

const conditionHint =
  "write it like `header x-team=qa`, `cookie staff`, `percent 10`, or several with `and` between them";
const partPattern = /^(header|cookie)\s+([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})(?:=(.{1,1000}))?$/;

/** `header x-team=qa,dev and percent 10`: all of its parts must hold. @throws BAD_USAGE */
export function parseCondition(text: string): Condition {
  let condition: Condition = {};
  for (const part of text.split(/\s+and\s+/).map((one) => one.trim())) {
    const found = parsePart(part);
    const [kind = ""] = Object.keys(found);
    if (kind in condition) {
      throw new PropagitError("BAD_USAGE", `${quote(text)} asks for a ${kind} twice`, {
        hint: conditionHint,
      });
    }
    condition = { ...condition, ...found };
  }
  return condition;
}

/** `CONDITION:VARIANT`. @throws BAD_USAGE */
export function parseWhen(text: string): WantedRule {
  const at = text.lastIndexOf(":");
  const variant = text.slice(at + 1).trim();
  if (at > 0 && new RegExp(`^${word}$`).test(variant)) {
    return { when: parseCondition(text.slice(0, at).trim()), variant };
  }
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form CONDITION:VARIANT`, {
    hint: `write it like --when 'header x-team=qa:b'; ${conditionHint}`,
  });
}

function parsePart(part: string): Condition {
  const [, number] = /^percent\s+(\S+)$/.exec(part) ?? [];
  if (number !== undefined) return { percent: parsePercent(number) };
  const [, kind, name, values] = partPattern.exec(part) ?? [];
  if (kind === undefined || name === undefined) {
    throw new PropagitError("BAD_USAGE", `${quote(part)} is not a condition`, {
      hint: conditionHint,
    });
  }
  const asked = { name, ...(values !== undefined && { values: values.split(",") }) };
  return kind === "header" ? { header: asked } : { cookie: asked };
}
