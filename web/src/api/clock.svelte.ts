/** The site's present on this page: as last told, moved on with this machine's clock where the site follows the wall. */

import { live } from "./live.svelte";

export const wall = $state({ now: Date.now() });

/** Move on once a second; returns how to stop. */
export function tick(): () => void {
  const timer = setInterval(() => (wall.now = Date.now()), 1000);
  return () => clearInterval(timer);
}

/** Return the site's present in ms; `follows` is whether its clock is the wall's. A lost line stops it. */
export function siteNow(follows: boolean): number {
  if (Number.isNaN(live.now)) return Number.NaN;
  return follows && live.line === "up" ? live.now + Math.max(0, wall.now - live.toldAt) : live.now;
}
