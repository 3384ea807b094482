export {
  isNull,
  mapAt,
  shortFor,
  type Located,
  type LocatedEntry,
  type LocatedList,
  type LocatedMap,
  type LocatedScalar,
  type Offset,
} from "./located.js";
export { below, kindOf, named, plainOf, refuseKind } from "./shape.js";
export type { JsonSchema, Placed, Result, Shape, ValueOf } from "./shape.js";
export { choice, number, parsed, text, verbatim, whole, yesNo, type TextRules } from "./scalars.js";
export {
  list,
  object,
  oneOrMany,
  record,
  unknownKey,
  variants,
  type NameRules,
  type Variant,
} from "./collections.js";
export { described, mapOr, mapped, orJust, orShort, placed, withDefault } from "./forms.js";
export { command, duration, percent, size } from "./words.js";
export { formatDuration, parseDuration, parseSize } from "./units.js";
export { overridden } from "./overrides.js";
export { formatProblem, formatProblems, Problems, type Problem } from "./problems.js";
export { isTooLong, type Limits } from "./limits.js";
export { readYaml } from "./yaml-text.js";
export { readJson } from "./json-text.js";
export { locate } from "./plain-value.js";
