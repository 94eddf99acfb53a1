/** The few figures above the map. */

import type { Reading } from "../api/live.svelte";
import type { Point, Site, State, WhatIf } from "../api/types";

export interface PointHealth {
  readonly good: number;
  readonly uncertain: number;
  readonly bad: number;
  readonly stale: number;
}

/** Return the newest reading of a point: from the stream, else as it was fetched. */
export function newest(point: Point, readings: ReadonlyMap<string, Reading>): Reading | null {
  const live = readings.get(point.name);
  const kept = point.latest;
  const time = kept === null ? Number.NaN : Date.parse(kept.time);
  if (live !== undefined && !(time > live.time)) return live;
  return kept === null ? null : { time, value: kept.value, quality: QUALITY[kept.quality] };
}

const QUALITY = { good: 0, uncertain: 1, bad: 2 } as const;

/** How many points can be believed now; a point that has said nothing for long is stale, whatever it last said. */
export function health(points: readonly Point[], readings: ReadonlyMap<string, Reading>): PointHealth {
  const found = { good: 0, uncertain: 0, bad: 0, stale: 0 };
  for (const point of points) {
    if (point.out_of_scan !== null) continue;
    const reading = newest(point, readings);
    if (reading === null || point.stale) found.stale += 1;
    else found[(["good", "uncertain", "bad"] as const)[reading.quality]] += 1;
  }
  return found;
}

/** Return metres of water of a value in a unit of pressure, or null for another unit. */
export function metres(value: number, unit: string): number | null {
  const factor = METRES[unit];
  return factor === undefined ? null : value * factor;
}

const PASCAL_TO_M = 1 / (999.1 * 9.80665);
const METRES: Readonly<Record<string, number>> = {
  m: 1,
  kPa: 1e3 * PASCAL_TO_M,
  bar: 1e5 * PASCAL_TO_M,
  MPa: 1e6 * PASCAL_TO_M,
  psi: 6894.757293168 * PASCAL_TO_M,
};

/** Return the figures with what is believed to be wrong: the state before a what-if that changes nothing. */
export function believed(state: State, trouble: WhatIf, site: Site): State {
  const below = trouble.customers.filter((one) => one.pressure_before_m < one.required_pressure_m);
  const lowest = trouble.worst[0];
  const low = lowest !== undefined && lowest.pressure_before_m < state.lowest_pressure_m;
  return {
    ...state,
    qualified_percent: site.customers === 0 ? state.qualified_percent : 100 * (1 - below.length / site.customers),
    lowest_node: low ? lowest.node : state.lowest_node,
    lowest_pressure_m: low ? lowest.pressure_before_m : state.lowest_pressure_m,
    customers_below: below.map((one) => ({ customer_id: one.customer_id, node: one.node, pressure_m: one.pressure_before_m, required_pressure_m: one.required_pressure_m })),
  };
}
