/** What an element is, in words. The numbers are the places of the service's kinds. */

import { w } from "../words/words.svelte";
import { LINK_KINDS, NODE_KINDS, type Network } from "./network";

export function nodeWord(network: Network, node: number): string {
  const kind = NODE_KINDS[network.nodeKind[node] ?? -1];
  return kind === undefined ? "" : w().map.node[kind];
}

export function linkWord(network: Network, link: number): string {
  const kind = LINK_KINDS[network.linkKind[link] ?? -1];
  return kind === undefined ? "" : w().map.link[kind];
}
