/** Colour scales of the map: cividis for amounts, blue to red for differences. No rainbow. */

export type Rgb = readonly [number, number, number];
export type Shade = "light" | "dark";

/** Cividis (Nuñez, Anderton, Renslow 2018), sampled evenly; the same to people who see no red or no green. */
const CIVIDIS: readonly Rgb[] = [
  [0, 34, 78], [8, 51, 112], [53, 69, 108], [79, 87, 108], [102, 105, 112], [125, 124, 120], [148, 142, 119],
  [174, 163, 113], [200, 184, 102], [229, 207, 82], [254, 232, 56],
];

/** A blue–white–red; the middle is what the ground lets one see. */
const DIFFERENCE: Record<Shade, readonly Rgb[]> = {
  light: [[5, 64, 140], [46, 118, 188], [120, 163, 200], [151, 158, 163], [206, 140, 128], [196, 72, 62], [140, 10, 38]],
  dark: [[86, 160, 240], [120, 178, 236], [168, 203, 234], [236, 239, 241], [246, 190, 170], [240, 130, 110], [240, 78, 80]],
};

const STEPS = 256;

/** What a number looks like: `low` to `high` over a table of 256 colours, RGBA. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly diverging: boolean;
  readonly table: Uint8Array;
}

export const ABSENT: Record<Shade, Rgb> = { light: [176, 182, 187], dark: [70, 78, 85] };

/**
 * Return a sequential scale. What needs the eye stands out most against the ground: the low end (`strong: "low"`), as
 * for pressures, or the high end, as for velocities. What is well (`calm` and above) keeps little of its colour: grey is
 * how a healthy network looks.
 */
export function sequential(low: number, high: number, strong: "low" | "high", shade: Shade, calm?: number): Scale {
  // On a light ground the dark end is strong, on a dark ground the bright one; the weak end is cut where it would vanish.
  const darkIsStrong = shade === "light";
  const stops = darkIsStrong ? CIVIDIS.slice(0, 10) : CIVIDIS.slice(2);
  const upward = darkIsStrong === (strong === "low");
  const scale = { low, high, diverging: false, table: tabulate(upward ? stops : [...stops].reverse()) };
  if (calm !== undefined) quieten(scale, calm);
  return scale;
}

/** Return a scale for differences, even on both sides of nought. */
export function diverging(most: number, shade: Shade): Scale {
  return { low: -most, high: most, diverging: true, table: tabulate([...DIFFERENCE[shade]].reverse()) };
}

/** Return the place of a value in the table: 0 to 255. */
export function step(scale: Scale, value: number): number {
  const share = (value - scale.low) / (scale.high - scale.low);
  return share <= 0 ? 0 : share >= 1 ? STEPS - 1 : Math.floor(share * STEPS);
}

/** Return a CSS gradient of the scale from low to high, for the legend. */
export function gradient(scale: Scale): string {
  const stops = Array.from({ length: 17 }, (_, place) => {
    const at = Math.round((place / 16) * (STEPS - 1)) * 4;
    return `rgb(${scale.table[at]} ${scale.table[at + 1]} ${scale.table[at + 2]})`;
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** Return round ends and ticks for values from `low` to `high`. */
export function ticks(low: number, high: number, about = 5): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const first = Math.ceil(low / unit - 1e-9) * unit;
  const found: number[] = [];
  for (let at = first; at <= high + unit * 1e-9; at += unit) found.push(Number(at.toPrecision(12)));
  return found;
}

/** Return a round number at or above a value. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((one) => one * power).find((one) => one >= value - 1e-12) ?? value;
}

const KEPT = 0.3;

function quieten({ low, high, table }: Scale, calm: number): void {
  const first = Math.floor(((calm - low) / (high - low)) * STEPS);
  for (let at = Math.max(0, first); at < STEPS; at += 1) {
    const [red, green, blue] = [table[at * 4]!, table[at * 4 + 1]!, table[at * 4 + 2]!];
    const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
    [red, green, blue].forEach((band, place) => (table[at * 4 + place] = Math.round(grey + (band - grey) * KEPT)));
  }
}

function tabulate(stops: readonly Rgb[]): Uint8Array {
  const table = new Uint8Array(STEPS * 4);
  for (let at = 0; at < STEPS; at += 1) {
    const place = (at / (STEPS - 1)) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    const share = place - first;
    for (let band = 0; band < 3; band += 1) {
      const [from, to] = [stops[first]![band]!, stops[first + 1]![band]!];
      table[at * 4 + band] = Math.round(from + (to - from) * share);
    }
    table[at * 4 + 3] = 255;
  }
  return table;
}
