/** What happened to what a person just did: a line at the foot of the page, spoken by screen readers. */

import { said } from "../api/problem";
import { w } from "../words/words.svelte";

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly bad: boolean;
}

export const notices: Notice[] = $state([]);
let next = 1;
const SHOWN_MS = 7000;

export function notify(text: string, bad = false): void {
  const id = (next += 1);
  notices.push({ id, text, bad });
  setTimeout(() => dismiss(id), bad ? SHOWN_MS * 2 : SHOWN_MS);
}

export function dismiss(id: number): void {
  const place = notices.findIndex((one) => one.id === id);
  if (place >= 0) notices.splice(place, 1);
}

/** Do something; what goes wrong is told, never swallowed. */
export async function attempt(what: () => Promise<unknown>): Promise<void> {
  try {
    await what();
  } catch (error) {
    notify(said(error, w()), true);
  }
}
