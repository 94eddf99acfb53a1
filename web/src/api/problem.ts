/** What went wrong, in the reader's language: problem+json by its type, and what never reached the service. */

import type { Words } from "../words/words.svelte";

/** The service's answer when it will not or cannot. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
}

/** An answer that is a problem. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

/** Return words for an error; the service's own detail (element, value, expected) stands behind them. */
export function said(error: unknown, words: Words): string {
  if (error instanceof Refusal) {
    const key = error.problem.type.split(":").at(-1) ?? "";
    const known = words.problems as Readonly<Record<string, string>>;
    const head = Object.hasOwn(known, key) ? known[key] : error.problem.title;
    return error.problem.detail ? `${head} (${error.problem.detail})` : String(head);
  }
  if (error instanceof TypeError) return words.shell.unreachable;
  return error instanceof Error ? error.message : String(error);
}
