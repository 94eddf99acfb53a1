/** Series over time. */

export interface Curve {
  /** Milliseconds since 1970. */
  readonly time: readonly number[];
  readonly value: readonly (number | null)[];
}
export interface Band {
  readonly time: readonly number[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}
