/**
 * Hours of the week in a time zone: whether it is such an hour, and when the next one begins.
 *
 *     mon-fri 22:00-02:00, Europe/Berlin
 *     thu 21:59 shut | thu 22:00 - fri 02:00 open | fri 22:00 - sat 02:00 open (Friday's) | until mon 22:00 shut
 *
 * A window belongs to the day on which it begins. What the wall clock shows is all that counts: in the night
 * in which it jumps from 02:00 to 03:00 a window from 02:30 opens at 03:00, and one that ends at 02:30 then
 * ends at 03:00; in the night in which an hour comes twice, both are inside.
 */
import type { TimeWindow } from "../plan.js";

const minuteMs = 60_000;
const dayMinutes = 24 * 60;
/** The search for an opening ends: every window with a day opens within a week, and a day for clock changes. */
const searchMinutes = 8 * dayMinutes;
/** Clocks of this age change by whole quarters of an hour, and at such (the IANA data since 1972). */
const quarterMinutes = 15;

/** What the wall clock of a zone shows. */
interface WallTime {
  /** 1 is Monday. */
  readonly day: number;
  readonly minute: number;
}

export function isOpen(window: TimeWindow, now: number): boolean {
  return isWithin(window, wallTime(window.timeZone, now));
}

/** When it is open next, in ms since 1970: `now` when it is; undefined when it never is. */
export function opensAt(window: TimeWindow, now: number): number | undefined {
  if (isOpen(window, now)) return now;
  const start = Math.floor(now / minuteMs) * minuteMs;
  for (let minutes = 1; minutes <= searchMinutes;) {
    const at = start + minutes * minuteMs;
    const wall = wallTime(window.timeZone, at);
    if (isWithin(window, wall)) return at;
    minutes += minutesToLook(window, wall);
  }
  return undefined;
}

function isWithin({ days, fromMinute, toMinute }: TimeWindow, { day, minute }: WallTime): boolean {
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  if (minute >= fromMinute) return days.includes(day);
  return minute < toMinute && days.includes(day === 1 ? 7 : day - 1);
}

/**
 * It opens at `fromMinute`, or right after a jump of the clock, and those happen at quarters: the next of the
 * two is looked at next.
 */
function minutesToLook({ fromMinute }: TimeWindow, { minute }: WallTime): number {
  const toQuarter = quarterMinutes - (minute % quarterMinutes);
  const toOpening = (fromMinute - minute + dayMinutes) % dayMinutes;
  return toOpening > 0 && toOpening < toQuarter ? toOpening : toQuarter;
}

/** Making one costs fifty times what using it does. */
const formats = new Map<string, Intl.DateTimeFormat>();
/** Zones that are remembered; there are about 600 names. */
const formatsMax = 1_000;

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function wallTime(timeZone: string, at: number): WallTime {
  const parts = formatFor(timeZone).formatToParts(at);
  const valueOf = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return {
    day: dayNames.indexOf(valueOf("weekday")) + 1,
    minute: Number(valueOf("hour")) * 60 + Number(valueOf("minute")),
  };
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  if (formats.size < formatsMax) formats.set(timeZone, format);
  return format;
}
