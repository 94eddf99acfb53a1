/** How far a point can be believed, in one word. */

import type { Reading } from "../api/live.svelte";
import type { Point } from "../api/types";

export type Condition = "good" | "uncertain" | "bad" | "stale" | "off" | "out";

/** A reading this many standard deviations from the model is off. */
const OFF = 4;

export function condition(point: Pick<Point, "out_of_scan" | "stale" | "modelled" | "deviation">, reading: Reading | null): Condition {
  if (point.out_of_scan !== null) return "out";
  if (reading === null || point.stale) return "stale";
  if (reading.quality === 2 || reading.value === null) return "bad";
  if (reading.quality === 1) return "uncertain";
  const { modelled, deviation } = point;
  if (modelled !== null && deviation !== null && deviation > 0 && Math.abs(reading.value - modelled) > OFF * deviation) return "off";
  return "good";
}
