/** The network as the map draws it: flat arrays, an origin subtracted, pipes cut into straight segments. */

export const NODE_KINDS = ["junction", "reservoir", "tank"] as const;
export const LINK_KINDS = ["check_valve_pipe", "pipe", "pump", "prv", "psv", "pbv", "fcv", "tcv", "gpv"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];
export type LinkKind = (typeof LINK_KINDS)[number];

/** Lines between consecutive vertices; `link` says whose each is. */
export interface Segments {
  readonly count: number;
  readonly source: Float32Array;
  readonly target: Float32Array;
  readonly link: Uint32Array;
}

export interface Network {
  readonly revision: string;
  /** What was subtracted from every coordinate: large eastings do not fit 32 bits. */
  readonly origin: readonly [number, number];
  readonly nodeIds: readonly string[];
  readonly nodeKind: Uint8Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly elevation: Float32Array;
  readonly linkIds: readonly string[];
  readonly linkKind: Uint8Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  readonly diameterMm: Float32Array;
  readonly lengthM: Float32Array;
  readonly segments: Segments;
  readonly nodeIndex: ReadonlyMap<string, number>;
  readonly linkIndex: ReadonlyMap<string, number>;
}

export type Bounds = readonly [west: number, south: number, east: number, north: number];

/** What a network is made from, before it is indexed. `bends` are the vertices between the ends, link after link. */
export interface Parts extends Omit<Network, "segments" | "nodeIndex" | "linkIndex"> {
  readonly bends?: { readonly xy: Float32Array; readonly offset: Uint32Array };
}

export function makeNetwork(parts: Parts): Network {
  return {
    ...parts,
    segments: cut(parts),
    nodeIndex: new Map(parts.nodeIds.map((id, place) => [id, place])),
    linkIndex: new Map(parts.linkIds.map((id, place) => [id, place])),
  };
}

function cut({ x, y, start, end, bends }: Parts): Segments {
  const links = start.length;
  const count = links + (bends === undefined ? 0 : bends.xy.length / 2);
  const source = new Float32Array(count * 2);
  const target = new Float32Array(count * 2);
  const link = new Uint32Array(count);
  let at = 0;
  const line = (owner: number, x0: number, y0: number, x1: number, y1: number): void => {
    source[at * 2] = x0;
    source[at * 2 + 1] = y0;
    target[at * 2] = x1;
    target[at * 2 + 1] = y1;
    link[at] = owner;
    at += 1;
  };
  for (let owner = 0; owner < links; owner += 1) {
    let [px, py] = [x[start[owner]!]!, y[start[owner]!]!];
    const last = bends?.offset[owner + 1] ?? 0;
    for (let bend = bends?.offset[owner] ?? 0; bend < last; bend += 1) {
      const [bx, by] = [bends!.xy[bend * 2]!, bends!.xy[bend * 2 + 1]!];
      line(owner, px, py, bx, by);
      [px, py] = [bx, by];
    }
    line(owner, px, py, x[end[owner]!]!, y[end[owner]!]!);
  }
  return { count, source, target, link };
}

/** Return the box around nodes that have a place; around all of them unless some are named. */
export function boundsOf(network: Network, nodes?: Iterable<number>): Bounds | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const node of nodes ?? network.x.keys()) {
    const [x, y] = [network.x[node]!, network.y[node]!];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    [west, east] = [Math.min(west, x), Math.max(east, x)];
    [south, north] = [Math.min(south, y), Math.max(north, y)];
  }
  return west > east ? null : [west, south, east, north];
}

/** Return the nodes at the ends of named elements, links or nodes; unknown names are left out. */
export function nodesOf(network: Network, elements: Iterable<string>): number[] {
  const found: number[] = [];
  for (const element of elements) {
    const link = network.linkIndex.get(element);
    if (link !== undefined) found.push(network.start[link]!, network.end[link]!);
    const node = network.nodeIndex.get(element);
    if (node !== undefined) found.push(node);
  }
  return found;
}

/** Return the middle of a link or the place of a node; null where neither is known. */
export function placeOf(network: Network, element: string): [number, number] | null {
  const nodes = nodesOf(network, [element]);
  if (nodes.length === 0) return null;
  const x = nodes.reduce((sum, node) => sum + network.x[node]!, 0) / nodes.length;
  const y = nodes.reduce((sum, node) => sum + network.y[node]!, 0) / nodes.length;
  return Number.isNaN(x + y) ? null : [x, y];
}

/** Whether a link is a pipe, which can be laid anew. */
export function isPipe(network: Network, link: number): boolean {
  return network.linkKind[link]! <= 1;
}
