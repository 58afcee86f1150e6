/** Hours of the week as wall-clock windows in a time zone: "mon-fri 02:00-05:00". Pure. */

/** One window of the week. It ends on the next day when it ends before it begins. */
export interface Window {
  /** Days on which it begins: 0 is Monday. */
  readonly days: ReadonlySet<number>;
  /** Minutes since midnight; `to` is 1440 for 24:00. */
  readonly from: number;
  readonly to: number;
}

const dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const minutesOfDay = 24 * 60;
const quarterMs = 15 * 60_000;

/** "mon-fri 02:00-05:00", "sat,sun 22:00-04:00", "02:00-05:00" for every day; undefined for anything else. */
export function parseWindow(text: string): Window | undefined {
  const [, days, from = "", to = ""] =
    /^(?:([a-z,\s-]+?)\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$/.exec(text.trim().toLowerCase()) ?? [];
  const start = minuteOf(from);
  // Midnight ends a day as 24:00.
  const end = minuteOf(to) === 0 ? minutesOfDay : minuteOf(to);
  const on = days === undefined ? new Set(dayNames.keys()) : parseDays(days);
  if (start === undefined || end === undefined || on === undefined) return undefined;
  if (start === end || start === minutesOfDay) return undefined;
  return { days: on, from: start, to: end };
}

function minuteOf(text: string): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(":").map(Number);
  const minute = hours * 60 + minutes;
  return minutes < 60 && minute <= minutesOfDay ? minute : undefined;
}

/** "mon-fri", "sat,sun", "fri-mon" over the week's end; full names too. */
function parseDays(text: string): ReadonlySet<number> | undefined {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const ends = part
      .trim()
      .split(/\s*-\s*/)
      .map(dayOf);
    const [first, last = first] = ends;
    if (first === undefined || last === undefined || ends.length > 2 || ends.includes(undefined))
      return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

const fullNames = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

function dayOf(text: string): number | undefined {
  const at = Math.max(dayNames.indexOf(text), fullNames.indexOf(text));
  return at < 0 ? undefined : at;
}

/** Whether one of the windows is open at this moment. @param zone an IANA name: "Europe/Berlin" */
export function isOpen(windows: readonly Window[], nowMs: number, zone: string): boolean {
  return isOpenAt(windows, localTime(nowMs, zone));
}

/**
 * When the next window opens, or now when one is open; undefined when none opens within eight days. A time that the clock skips
 * in spring does not come: a window that lies in it whole stays closed that day.
 */
export function nextOpening(windows: readonly Window[], nowMs: number, zone: string): number | undefined {
  const minuteMs = 60_000;
  let at = Math.ceil(nowMs / minuteMs) * minuteMs;
  if (isOpenAt(windows, localTime(nowMs, zone))) return nowMs;
  for (const endMs = at + 8 * minutesOfDay * minuteMs; at < endMs; ) {
    // Every offset that is in use changes at a quarter of an hour, so a zone is asked once in a quarter.
    const quarterEnd = (Math.floor(at / quarterMs) + 1) * quarterMs;
    const local = localTime(at, zone);
    for (let passed = 0; at < quarterEnd; passed += 1, at += minuteMs)
      if (isOpenAt(windows, { day: local.day, minute: local.minute + passed })) return at;
  }
  return undefined;
}

interface LocalTime {
  /** 0 is Monday. */
  readonly day: number;
  readonly minute: number;
}

function isOpenAt(windows: readonly Window[], { day, minute }: LocalTime): boolean {
  const yesterday = (day + 6) % 7;
  return windows.some(({ days, from, to }) => {
    if (from < to) return days.has(day) && minute >= from && minute < to;
    return (days.has(day) && minute >= from) || (days.has(yesterday) && minute < to);
  });
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(ms: number, zone: string): LocalTime {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  const day = dayNames.indexOf((parts.get("weekday") ?? "").toLowerCase());
  return { day, minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  formats.set(zone, format);
  return format;
}

/** Whether Intl knows the zone, and so its changes of the clock. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** "sun 01:00", with the day's name in the zone. */
export function localText(ms: number, zone: string): string {
  const { day, minute } = localTime(ms, zone);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${dayNames[day] ?? ""} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
