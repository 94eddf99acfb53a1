/** Lines and rings for what is pointed at on the map: suspects, chosen mains, low nodes. */

import type { Rings, Stroke } from "./deck";
import type { Network } from "./network";
import type { Rgb } from "./scale";

/** Return the lines of named links. */
export function strokeOf(network: Network, links: Iterable<string>, colour: Rgb, width: number): Stroke | null {
  const wanted = new Set<number>();
  for (const id of links) {
    const link = network.linkIndex.get(id);
    if (link !== undefined) wanted.add(link);
  }
  if (wanted.size === 0) return null;
  const { segments } = network;
  const rows: number[] = [];
  for (let at = 0; at < segments.count; at += 1) if (wanted.has(segments.link[at]!)) rows.push(at);
  const [source, target] = [new Float32Array(rows.length * 2), new Float32Array(rows.length * 2)];
  rows.forEach((row, place) => {
    source.set(segments.source.subarray(row * 2, row * 2 + 2), place * 2);
    target.set(segments.target.subarray(row * 2, row * 2 + 2), place * 2);
  });
  return { source, target, count: rows.length, colour, width };
}

/** Return rings around the nodes whose value lies below a limit. */
export function ringsBelow(network: Network, values: Float32Array, limit: number, colour: Rgb, most = 4000): Rings | null {
  const rows: number[] = [];
  for (let node = 0; node < values.length && rows.length < most; node += 1) {
    if (values[node]! < limit && network.nodeKind[node] === 0) rows.push(node);
  }
  if (rows.length === 0) return null;
  const xy = new Float32Array(rows.length * 2);
  rows.forEach((node, place) => xy.set([network.x[node]!, network.y[node]!], place * 2));
  return { xy, count: rows.length, colour, radius: 7 };
}
