/** Several series over one axis of time, as a chart wants them. */

import type { Band, Curve } from "./series";

export interface Joined {
  readonly time: number[];
  readonly measured: (number | null)[];
  readonly modelled: (number | null)[];
  readonly low: (number | null)[];
  readonly high: (number | null)[];
}

/** A silence of more than so many usual steps is a gap in the line, not a straight stretch. */
const GAP_STEPS = 3.5;

/** Return all series over the union of their times, a null where one has nothing; silences become gaps. */
export function joined(measured: Curve, modelled: Curve | null, band: Band | null): Joined {
  const gaps = silences(measured.time);
  const time = [...new Set([...measured.time, ...gaps, ...(modelled?.time ?? []), ...(band?.time ?? [])])].sort((a, b) => a - b);
  const place = new Map(time.map((one, at) => [one, at]));
  const spread = (times: readonly number[], values: readonly (number | null)[]): (number | null | undefined)[] => {
    const row: (number | null | undefined)[] = Array.from({ length: time.length });
    times.forEach((one, at) => (row[place.get(one)!] = values[at] ?? null));
    return row;
  };
  const measuredRow = spread(measured.time, measured.value);
  for (const gap of gaps) measuredRow[place.get(gap)!] = null;
  return {
    time,
    // An undefined is skipped by the line, a null breaks it.
    measured: measuredRow as (number | null)[],
    modelled: spread(modelled?.time ?? [], modelled?.value ?? []) as (number | null)[],
    low: spread(band?.time ?? [], band?.low ?? []) as (number | null)[],
    high: spread(band?.time ?? [], band?.high ?? []) as (number | null)[],
  };
}

function silences(time: readonly number[]): number[] {
  if (time.length < 4) return [];
  const steps = time.slice(1).map((one, at) => one - time[at]!);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)]!;
  return steps.flatMap((step, at) => (step > GAP_STEPS * usual ? [time[at]! + usual] : []));
}
