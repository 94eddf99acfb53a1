/** A diagnosis in sentences: what is blamed, in the reader's language, from codes and numbers alone. */

import type { Cause, CauseKind, Cure, DiagnosisDocument, Term } from "../api/types";
import { shortList } from "../alarms/message";
import type { Words } from "../words/words.svelte";

interface Named {
  readonly kind: CauseKind;
  readonly elements: readonly string[];
}

/** Return a cause in words: `blocked main P-144 (valve V-095)`. */
export function causeWords(cause: Named & { readonly valve_ids?: readonly string[] }, words: Words): string {
  const valves = cause.valve_ids ?? [];
  const place = valves.length > 0 ? words.diagnosis.withValve(shortList(cause.elements), shortList(valves)) : shortList(cause.elements);
  return words.diagnosis.causes[cause.kind](place);
}

/** Return a term of the attribution in words. */
export function termWords(term: { readonly term: Term; readonly elements?: readonly string[]; readonly size?: string | null }, words: Words): string {
  const place = shortList(term.elements ?? [], 2);
  if (term.term === "undersized_main") return words.diagnosis.undersized(place);
  return words.diagnosis.causes[term.term](place);
}

/** Return what a cure does: `free P-144 (valve V-095); lay P-144, P-145 +3 as PE100 SDR11 DN110`. */
export function cureWords(cure: Cure, document: DiagnosisDocument, words: Words): string {
  const parts = cure.faults.map((fault) => {
    const known = document.causes.find((cause) => sameCause(cause, fault));
    const valves = known?.valve_ids ?? [];
    const place = valves.length > 0 ? words.diagnosis.withValve(shortList(fault.elements), shortList(valves)) : shortList(fault.elements);
    return words.diagnosis.repairs[fault.kind](place);
  });
  return [...parts, ...cure.replace.map((laid) => words.diagnosis.lay(shortList(laid.links), laid.size))].join(words.shell.and);
}

/** Whether two are the same cause; a blocked and a closed link are one. */
export function sameCause(one: Named, other: Named): boolean {
  const kind = (cause: Named): string => (cause.kind === "closed_link" ? "blocked_link" : cause.kind);
  return kind(one) === kind(other) && [...one.elements].sort().join("\n") === [...other.elements].sort().join("\n");
}

/** Return the causes that the points cannot tell apart from one. */
export function alike(cause: Cause, document: DiagnosisDocument): Named[] {
  const group = document.indistinguishable.find((names) => names.some((name) => sameCause(name, cause))) ?? [];
  return group.filter((name) => !sameCause(name, cause));
}

export type Side = "for" | "against" | "silent";

/** Return what a piece of evidence says: for a cause that brings the model nearer to what was measured. */
export function side(evidence: { readonly measured: number; readonly modelled: number; readonly with_cause: number }): Side {
  const without = Math.abs(evidence.measured - evidence.modelled);
  const withIt = Math.abs(evidence.measured - evidence.with_cause);
  const moved = Math.abs(evidence.with_cause - evidence.modelled);
  if (moved < 1e-9 || Math.abs(without - withIt) < 0.1 * moved) return "silent";
  return withIt < without ? "for" : "against";
}

export type Verdict = "healthy" | "sure" | "likely" | "open";

/** Return how firmly the diagnosis speaks. */
export function verdict(document: DiagnosisDocument): Verdict {
  if (document.healthy_probability >= 0.5 && document.complaint == null) return "healthy";
  if (!document.can_say) return "open";
  const surest = Math.max(0, ...document.causes.map((cause) => cause.probability));
  return surest >= 0.8 ? "sure" : "likely";
}

/** Return the causes worth a person's eye: likely ones, at least the first three, at most eight. */
export function leading(document: DiagnosisDocument): Cause[] {
  return document.causes.filter((cause, place) => place < 8 && (place < 3 || cause.probability >= 0.03));
}
