/** Ways to colour the map, and what each needs. */

import type { State as Solved } from "../api/queries";
import type { Point, Site } from "../api/types";
import type { Reading } from "../api/live.svelte";
import type { Coloured, Mark } from "../map/shown";
import type { Network } from "../map/network";
import { diverging, roundUp, sequential, type Shade } from "../map/scale";
import { placeOf } from "../map/network";
import { number, signed } from "../format/number";
import { metres, newest } from "./figures";

export const COLOURINGS = ["pressure", "velocity", "headloss", "deviation"] as const;
export type Colouring = (typeof COLOURINGS)[number];

const UNITS: Record<Colouring, string> = { pressure: "m", velocity: "m/s", headloss: "m/km", deviation: "m" };

/** Return how a solved state is painted. `title` is the word for it. */
export function coloured(how: Colouring, solved: Solved, site: Site, shade: Shade, title: string): Coloured | null {
  const unit = UNITS[how];
  if (how === "pressure") return pressures(solved.pressure, site, shade, title);
  if (how === "velocity" || how === "headloss") {
    const values = how === "velocity" ? solved.velocity : solved.headloss;
    const screen = how === "velocity" ? site.screens.velocity_m_s : site.screens.headloss_m_km;
    return {
      valued: { on: "link", values },
      scale: sequential(0, Math.max(screen, 1e-6), "high", shade),
      title, unit, digits: 2,
    };
  }
  return null;
}

/** Return how pressures [m] a node are painted: what is enough in quiet colours, what is not in strong and thick ones. */
export function pressures(values: Float32Array, site: Site, shade: Shade, title: string): Coloured {
  const high = roundUp(share(values, 0.98));
  return {
    valued: { on: "node", values, below: site.required_pressure_m },
    scale: sequential(0, high, "low", shade, site.required_pressure_m),
    title,
    unit: UNITS.pressure,
    digits: 1,
  };
}

/** Return the scale of deviations at gauges [m]. */
export function deviationScale(shade: Shade) {
  return diverging(3, shade);
}

/** Return the value below which that share of finite values lies. */
export function share(values: Float32Array, part: number): number {
  const finite = values.filter((one) => Number.isFinite(one) && one > 0).sort();
  return finite[Math.min(finite.length - 1, Math.floor(finite.length * part))] ?? 1;
}

const HEADS: ReadonlySet<Point["quantity"]> = new Set(["pressure", "head", "level"]);

/** A reading is off when it lies this many standard deviations from the model. */
const OFF = 3;

/** Return a mark for each point that has a place: its value, or its deviation from the model, the most abnormal first. */
export function marksOf(
  points: readonly Point[],
  readings: ReadonlyMap<string, Reading>,
  network: Network,
  how: Colouring,
  names: { quantity: (point: Point) => string; stale: string; open: string; closed: string },
): Mark[] {
  return points.flatMap((point) => {
    const place = placeOf(network, point.element);
    if (place === null || point.quantity === "volume") return [];
    const reading = newest(point, readings);
    // The map speaks metres of water, whatever a gauge's own unit is.
    const inMetres = HEADS.has(point.quantity) ? metres(1, point.unit) : null;
    const unit = inMetres !== null ? "m" : point.unit.replace("m3", "m³");
    const scaled = (raw: number | null): number | null => (raw === null ? null : raw * (inMetres ?? 1));
    const value = reading?.value ?? null;
    const stale = point.stale || reading === null || reading.quality === 2 || point.out_of_scan !== null;
    const off = value !== null && point.modelled !== null ? value - point.modelled : null;
    const low = value !== null && point.low_limit !== null && value < point.low_limit;
    const high = value !== null && point.high_limit !== null && value > point.high_limit;
    const odd = off !== null && point.deviation !== null && Math.abs(off) > OFF * point.deviation;
    const tone = stale ? "stale" : low || high ? "high" : odd ? "medium" : "plain";
    const text =
      point.quantity === "status"
        ? value === null ? "–" : value > 0 ? names.open : names.closed
        : how === "deviation"
          ? off === null ? "" : signed(scaled(off), 1)
          : number(scaled(value), 1);
    return [
      {
        id: point.name,
        x: place[0],
        y: place[1],
        label: point.quantity === "status" || text === "" ? "" : `${text} ${unit}`,
        title: `${point.name} · ${names.quantity(point)} ${text} ${unit}${stale ? ` · ${names.stale}` : ""}`,
        tone,
        element: point.element,
        rank: (tone === "high" ? 0 : tone === "medium" ? 1 : tone === "stale" ? 2 : 3) * 10 + (point.quantity === "pressure" ? 0 : 5),
      },
    ];
  });
}
