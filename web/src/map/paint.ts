/** From numbers a node or link to colours and widths a segment: what a time step costs the main thread. */

import type { Network } from "./network";
import { ABSENT, step, type Scale, type Shade } from "./scale";

export interface Paint {
  readonly colour: Uint8Array;
  readonly width: Float32Array;
}

export interface Valued {
  /** One number a link, or one a node, of which a link shows the lower end's. NaN where there is none. */
  readonly on: "link" | "node";
  readonly values: Float32Array;
  /** Links whose value lies below are drawn thicker: a low pressure is never said by colour alone. */
  readonly below?: number;
}

/** Return one value a link. */
export function perLink(network: Network, valued: Valued): Float32Array {
  if (valued.on === "link") return valued.values;
  const { start, end, nodeKind } = network;
  const { values } = valued;
  const found = new Float32Array(start.length);
  for (let link = 0; link < found.length; link += 1) {
    const [from, to] = [start[link]!, end[link]!];
    // The level of a tank or a source is no pressure in the street.
    if (nodeKind[from] !== 0) found[link] = values[to]!;
    else if (nodeKind[to] !== 0) found[link] = values[from]!;
    else found[link] = Math.min(values[from]!, values[to]!);
  }
  return found;
}

/** Width of what is pointed at [px]. */
const POINTED = 4.5;

/** Return width in pixels of each link, by its diameter. */
export function widths(network: Network): Float32Array {
  const found = new Float32Array(network.start.length);
  for (let link = 0; link < found.length; link += 1) {
    const diameter = network.diameterMm[link]!;
    found[link] = diameter > 0 ? 1.1 + Math.sqrt(diameter) / 9 : 2;
  }
  return found;
}

/** Paint every segment; `pointed` links are never thin; `into` is reused where it fits, so that a time step allocates nothing. */
export function paint(
  network: Network,
  valued: Valued | null,
  scale: Scale | null,
  shade: Shade,
  base: Float32Array,
  into?: Paint,
  pointed?: ReadonlySet<number>,
): Paint {
  const { count, link } = network.segments;
  const colour = into?.colour.length === count * 4 ? into.colour : new Uint8Array(count * 4);
  const width = into?.width.length === count ? into.width : new Float32Array(count);
  const words = new Uint32Array(colour.buffer, colour.byteOffset, count);
  const [red, green, blue] = ABSENT[shade];
  const absent = packed(red, green, blue);
  const table = scale === null ? null : new Uint32Array(scale.table.buffer, 0, scale.table.length / 4);
  const values = valued === null ? null : perLink(network, valued);
  const below = valued?.below ?? -Infinity;
  for (let at = 0; at < count; at += 1) {
    const owner = link[at]!;
    const value = values === null ? Number.NaN : values[owner]!;
    words[at] = table === null || scale === null || value !== value ? absent : table[step(scale, value)]!;
    width[at] = base[owner]! * (value < below ? 2.4 : 1);
    if (pointed?.has(owner)) width[at] = Math.max(width[at]!, POINTED);
  }
  return { colour, width };
}

function packed(red: number, green: number, blue: number): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
