/** Hours of the week as people write them: `{ days: mon-fri, from: "09:00", to: "17:00", timeZone: … }`. */
import { described, mapped, object, oneOrMany, parsed, text, withDefault } from "@propagit/shapes";
import type { Result, Shape } from "@propagit/shapes";
import type { TimeWindow } from "../plan.js";

const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const dayPattern = `(?:${dayNames.join("|")})`;
const daysPattern = `^${dayPattern}(?:-${dayPattern})?(?: ?, ?${dayPattern}(?:-${dayPattern})?)*$`;

/** `mon-fri`, `sat,sun`, `fri-mon`. From 1, Monday. */
const days = parsed(
  "days such as mon-fri or sat,sun",
  { type: "string", pattern: daysPattern },
  ({ source }): Result<readonly number[]> => {
    if (!new RegExp(daysPattern).test(source)) {
      return { ok: false, why: "is not days such as mon-fri or sat,sun" };
    }
    return { ok: true, value: source.split(",").flatMap((part) => daysOf(part.trim())) };
  },
);

function daysOf(part: string): readonly number[] {
  const [first = "", last = first] = part.split("-");
  const from = dayNumber(first);
  const length = ((dayNumber(last) - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => ((from - 1 + index) % 7) + 1);
}

function dayNumber(name: string): number {
  return dayNames.findIndex((one) => one === name) + 1;
}

const timePattern = "^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$";

/** `09:00`; in minutes since midnight. */
const time = parsed(
  "a time such as 09:00",
  { type: "string", pattern: timePattern },
  ({ value, source }): Result<number> => {
    if (typeof value !== "string" || !new RegExp(timePattern).test(source)) {
      return { ok: false, why: 'is not a time from "00:00" to "24:00"' };
    }
    return { ok: true, value: Number(source.slice(0, 2)) * 60 + Number(source.slice(3)) };
  },
);

const timeZone = mapped(
  text({ wanted: "a time zone such as Europe/Berlin", max: 64 }),
  (value, at, where, problems) => {
    if (isTimeZone(value)) return value;
    problems.add(
      at,
      `\`${where}\` is no time zone that is known here, such as Europe/Berlin or UTC`,
    );
    return undefined;
  },
);

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export const windowShape: Shape<TimeWindow> = mapped(
  object(
    {
      days: withDefault(described("mon-fri; sat,sun (every day).", oneOrMany(days, 7)), "mon-sun"),
      from: withDefault(described('From this time of the day on ("00:00").', time), "00:00"),
      to: withDefault(
        described('Until this time; before `from`, it is the next day\'s ("24:00").', time),
        "24:00",
      ),
      timeZone: described("Whose time it is, such as Europe/Berlin.", timeZone),
    },
    ["timeZone"],
  ),
  ({ days: written, from, to, timeZone: zone }, at, where, problems) => {
    if (from === to)
      problems.add(at, `\`${where}\` ends when it begins; a whole day is 00:00 to 24:00`);
    return {
      days: [...new Set(written.flat())].sort((left, right) => left - right),
      fromMinute: from,
      toMinute: to,
      timeZone: zone,
    };
  },
);

/** The same in writing. */
export function writtenWindow({ days: numbers, fromMinute, toMinute, timeZone: zone }: TimeWindow) {
  return {
    days: numbers.map((number) => dayNames[number - 1]).join(","),
    from: writtenTime(fromMinute),
    to: writtenTime(toMinute),
    timeZone: zone,
  };
}

function writtenTime(minute: number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
