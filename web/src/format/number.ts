/** Numbers as people read them; a value that is not there is a dash, never a nought. */

export const ABSENT = "–";

const made = new Map<string, Intl.NumberFormat>();

function formatter(digits: number, sign: boolean): Intl.NumberFormat {
  const key = `${digits}${sign}`;
  let found = made.get(key);
  if (found === undefined) {
    found = new Intl.NumberFormat("en-GB", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      signDisplay: sign ? "exceptZero" : "negative",
    });
    made.set(key, found);
  }
  return found;
}

/** Return a number with that many digits after the point; both languages write the point as a point. */
export function number(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value) ? ABSENT : minus(formatter(digits, false).format(value));
}

/** The same with its sign, for differences. */
export function signed(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value) ? ABSENT : minus(formatter(digits, true).format(value));
}

/** Return a probability as whole per cent, never claiming 0 % or 100 % of what is not quite. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return ABSENT;
  if (share > 0 && share < 0.01) return "<1 %";
  if (share < 1 && share > 0.99) return ">99 %";
  return `${Math.round(share * 100)} %`;
}

function minus(text: string): string {
  return text.replace("-", "\u2212");
}
