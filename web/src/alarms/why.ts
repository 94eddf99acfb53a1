/** Click one: from an alarm to the page that says why. */

import { actions } from "../api/actions";
import type { Alarm, Point } from "../api/types";
import { go } from "../shell/route.svelte";

/** Whether anything more can be said about an alarm than it says itself. */
export function canExplain(alarm: Alarm): boolean {
  return alarm.kind === "diagnosis" || alarm.kind === "limit";
}

/** Go where an alarm is explained: to its diagnosis, to a run that makes one, or to the point that cannot be read. */
export async function explain(alarm: Alarm, points: readonly Point[]): Promise<void> {
  if (alarm.diagnosis_id !== null) {
    go("diagnosis", alarm.diagnosis_id, { alarm: alarm.id });
    return;
  }
  if (!canExplain(alarm)) {
    go("data", "", { q: alarm.source });
    return;
  }
  const point = points.find((one) => one.name === alarm.source);
  const pressure = point !== undefined && (point.quantity === "pressure" || point.quantity === "head");
  const run = await actions.startRun(pressure ? { node: point.element } : {});
  go("diagnosis", "", { run: String(run.id), alarm: alarm.id });
}
