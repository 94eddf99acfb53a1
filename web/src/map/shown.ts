/** What a page puts on the map. */

import type { Scale } from "./scale";
import type { Valued } from "./paint";

/** A place with a word to it: a gauge's value, a valve, a customer. Drawn as text above the canvas. */
export interface Mark {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly title: string;
  readonly tone: "plain" | "high" | "medium" | "low" | "stale" | "pin";
  /** What it stands for when clicked. */
  readonly element: string;
  readonly rank: number;
}

export interface Emphasis {
  readonly links: readonly string[];
  readonly tone: "suspect" | "chosen" | "found";
}

export interface Coloured {
  readonly valued: Valued;
  readonly scale: Scale;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
}
