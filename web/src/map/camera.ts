/** Where the map looks: a centre in the network's own metres, and how many pixels a metre takes (a power of two). */

import type { Bounds } from "./network";

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export const NEAREST = 5;
export const FARTHEST = -9;
const MARGIN = 0.88;

/**
 * Return the camera that shows a box in a window of that many pixels, of which the uppermost `covered` lie under tools;
 * a point is shown from some 400 m.
 */
export function fitted([west, south, east, north]: Bounds, width: number, height: number, least = 400, covered = 0): Camera {
  const free = Math.max(height - covered, height / 2);
  const across = Math.max(east - west, least * Math.min(1, width / free), 1);
  const up = Math.max(north - south, least * Math.min(1, free / width), 1);
  const exact = Math.log2(Math.min((MARGIN * width) / across, (MARGIN * free) / up));
  const zoom = Math.min(NEAREST, Math.max(FARTHEST, exact));
  return { x: (west + east) / 2, y: (south + north) / 2 + (height - free) / 2 / 2 ** zoom, zoom };
}

/** Return where a place stands in the window, in pixels from its upper left. */
export function project(camera: Camera, x: number, y: number, width: number, height: number): [number, number] {
  const scale = 2 ** camera.zoom;
  return [(x - camera.x) * scale + width / 2, height / 2 - (y - camera.y) * scale];
}

/** Return a round length in metres of at most so many pixels, for the scale bar. */
export function barLength(camera: Camera, most: number): number {
  const metres = most / 2 ** camera.zoom;
  const power = 10 ** Math.floor(Math.log10(metres));
  return [5, 2, 1].map((one) => one * power).find((one) => one <= metres) ?? power;
}
