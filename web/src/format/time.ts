/** Instants are UTC inside and the site's wall clock outside. Daylight saving is the platform's knowledge, not ours. */

const made = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = made.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    made.set(key, found);
  }
  return found;
}

interface Parts {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

function parts(instant: number, zone: string): Parts {
  const told = formatter(zone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(instant);
  return Object.fromEntries(told.map((one) => [one.type, one.value])) as unknown as Parts;
}

/** Return milliseconds since 1970 of an ISO 8601 instant or of milliseconds given; NaN where there is none. */
export function millis(instant: string | number | null | undefined): number {
  if (instant === null || instant === undefined || instant === "") return Number.NaN;
  return typeof instant === "number" ? instant : Date.parse(instant);
}

/** `07:05` at the site. */
export function clock(instant: string | number | null | undefined, zone: string): string {
  const at = millis(instant);
  if (Number.isNaN(at)) return "–";
  const told = parts(at, zone);
  return `${told.hour}:${told.minute}`;
}

/** `07:05:09` at the site. */
export function clockSeconds(instant: string | number | null | undefined, zone: string): string {
  const at = millis(instant);
  return Number.isNaN(at) ? "–" : `${clock(at, zone)}:${parts(at, zone).second}`;
}

/** `2026-07-11` at the site. */
export function day(instant: string | number | null | undefined, zone: string): string {
  const at = millis(instant);
  if (Number.isNaN(at)) return "–";
  const told = parts(at, zone);
  return `${told.year}-${told.month}-${told.day}`;
}

/** `2026-07-11 07:05` at the site. */
export function moment(instant: string | number | null | undefined, zone: string): string {
  const at = millis(instant);
  return Number.isNaN(at) ? "–" : `${day(at, zone)} ${clock(at, zone)}`;
}

/** `07-11 07:05`: a moment where the year is plain. */
export function shortMoment(instant: string | number | null | undefined, zone: string): string {
  const at = millis(instant);
  return Number.isNaN(at) ? "–" : moment(at, zone).slice(5);
}

/** `UTC+08:00`: the site's offset at an instant. */
export function offset(instant: number, zone: string): string {
  const told = formatter(zone, { timeZoneName: "longOffset" }).formatToParts(instant);
  const name = told.find((one) => one.type === "timeZoneName")?.value ?? "GMT";
  return name === "GMT" ? "UTC+00:00" : name.replace("GMT", "UTC");
}

/**
 * Return the instant at which the site's clocks show `2026-07-11T07:05`.
 *
 * Where clocks go back and show it twice, the first is meant; where they go forward and never show it, the instant just
 * as long after the change as the time asked for is past the gap's start.
 */
export function instantOf(local: string, zone: string): number {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) return Number.NaN;
  const offsets = [asUtc - 86_400_000, asUtc + 86_400_000].map((at) => shown(at, zone) - at);
  const fitting = offsets.map((ahead) => asUtc - ahead).filter((at) => shown(at, zone) === asUtc);
  return fitting.length > 0 ? Math.min(...fitting) : asUtc - (offsets[0] ?? 0);
}

/** `2026-07-11T07:05` for an input of a local date and time. */
export function localInput(instant: number, zone: string): string {
  const told = parts(instant, zone);
  return `${told.year}-${told.month}-${told.day}T${told.hour}:${told.minute}`;
}

function shown(instant: number, zone: string): number {
  const told = parts(instant, zone);
  return Date.parse(`${told.year}-${told.month}-${told.day}T${told.hour}:${told.minute}:${told.second}Z`);
}
