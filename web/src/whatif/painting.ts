/** Before and after on one scale, their difference on another. */

import type { Trial } from "../api/queries";
import type { Site } from "../api/types";
import type { Coloured } from "../map/shown";
import { diverging, roundUp, sequential, type Shade } from "../map/scale";
import { share } from "../monitor/colouring";
import type { Words } from "../words/words.svelte";
import type { Side } from "./draft";

export type By = "pressure" | "velocity" | "headloss";

const UNITS: Record<By, string> = { pressure: "m", velocity: "m/s", headloss: "m/km" };

export function painted(trial: Trial, by: By, side: Side, site: Site, shade: Shade, words: Words): Coloured {
  const [before, after] = pair(trial, by);
  const title = words.monitor.colourings[by];
  const on = by === "pressure" ? ("node" as const) : ("link" as const);
  const unit = UNITS[by];
  if (side === "difference") {
    const values = after.map((value, place) => value - before[place]!);
    const most = roundUp(Math.max(0.1, share(values.map(Math.abs), 1)));
    return { valued: { on, values }, scale: diverging(most, shade), title: words.whatif.difference(title), unit, digits: by === "pressure" ? 1 : 2 };
  }
  const values = side === "before" ? before : after;
  if (by === "pressure") {
    const high = roundUp(Math.max(share(before, 0.98), share(after, 0.98)));
    return { valued: { on, values, below: site.required_pressure_m }, scale: sequential(0, high, "low", shade, site.required_pressure_m), title, unit, digits: 1 };
  }
  const screen = by === "velocity" ? site.screens.velocity_m_s : site.screens.headloss_m_km;
  return { valued: { on, values }, scale: sequential(0, screen, "high", shade), title, unit, digits: 2 };
}

function pair(trial: Trial, by: By): [Float32Array, Float32Array] {
  if (by === "pressure") return [trial.pressureBefore, trial.pressureAfter];
  if (by === "velocity") return [trial.velocityBefore, trial.velocityAfter];
  return [trial.headlossBefore, trial.headlossAfter];
}
