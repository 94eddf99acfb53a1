/** The changes on the page: kept in the address, so that a link is a proposal. */

import type { Change, ChangeKind, Schemas } from "../api/types";

export const SIDES = ["before", "after", "difference"] as const;
export type Side = (typeof SIDES)[number];

export const KINDS: readonly ChangeKind[] = ["replace", "diameter", "roughness", "minor_loss", "open", "close", "demand"];
/** Kinds of change that need a number. */
export const VALUED: ReadonlySet<ChangeKind> = new Set(["diameter", "roughness", "minor_loss", "demand"]);

/** Read changes from the words of an address; what is no change there is left out. */
export function fromQuery(query: Readonly<Record<string, string>>): Change[] {
  try {
    const told: unknown = JSON.parse(query["c"] ?? "[]");
    return Array.isArray(told) ? told.filter(isChange) : [];
  } catch {
    return [];
  }
}

export function toQuery(changes: readonly Change[]): { c: string } {
  return { c: changes.length === 0 ? "" : JSON.stringify(changes) };
}

/** What is asked of the service, every part of it said. */
export type Question = Required<Schemas["WhatIfAsked"]>;

/** Return what is asked of the service; a change that still lacks its number or size is not yet asked about. */
export function asked(changes: readonly Change[], instant: string, diagnosis: number | null, cure: number | null): Question {
  return {
    changes: changes.filter(complete),
    at: instant,
    from_diagnosis: diagnosis,
    cure: diagnosis === null ? null : cure,
  };
}

export function complete(change: Change): boolean {
  if (change.kind === "replace") return change.size !== "";
  return !VALUED.has(change.kind) || (change.value !== null && change.value !== undefined && Number.isFinite(change.value) && change.value >= 0);
}

/** Return one text for equal lists of changes. */
export function keyOf(changes: readonly Change[]): string {
  return JSON.stringify(changes);
}

function isChange(told: unknown): told is Change {
  if (typeof told !== "object" || told === null) return false;
  const { kind, element, size, value } = told as Record<string, unknown>;
  return (
    KINDS.includes(kind as ChangeKind) &&
    typeof element === "string" &&
    (size === undefined || typeof size === "string") &&
    (value === undefined || value === null || typeof value === "number")
  );
}
