/** An alarm in words: what, where, how bad. The service sends codes and numbers; the words are the dictionary's. */

import type { Alarm } from "../api/types";
import { number, percent } from "../format/number";
import type { Words } from "../words/words.svelte";

/** Return the headline of an alarm. */
export function headline(alarm: Alarm, words: Words): string {
  return words.alarms.codes[alarm.code];
}

/** Return what is known besides, shortest first. */
export function particulars(alarm: Alarm, words: Words): string[] {
  const { details } = alarm;
  const found: string[] = [];
  const told = (key: string): number | null => (typeof details[key] === "number" ? (details[key] as number) : null);
  if (alarm.kind === "diagnosis") {
    const chance = told("joint_probability") ?? told("probability");
    if (chance !== null) found.push(percent(chance));
    const lost = told("head_lost_m");
    const at = typeof details["at"] === "string" ? details["at"] : "";
    if (lost !== null && Math.abs(lost) >= 0.05) found.push(words.alarms.lost(number(lost, 1), at));
  }
  if (alarm.kind === "limit") {
    const unit = typeof details["unit"] === "string" ? details["unit"] : "";
    const [value, limit] = [told("value"), told("limit")];
    if (value !== null) found.push(`${number(value, 1)} ${unit}`.trim());
    if (limit !== null) found.push(words.alarms.limit(`${number(limit, 1)} ${unit}`.trim()));
  }
  const points = details["points"];
  if (alarm.kind === "blind" && Array.isArray(points)) found.push(points.join(", "));
  return found;
}

/** Return where it is, as people say it: `P-144 · V-095`. */
export function where(alarm: Alarm): string {
  const { elements, valve_ids } = alarm.details;
  const links = Array.isArray(elements) && elements.length > 0 ? shortList(elements) : alarm.source;
  return Array.isArray(valve_ids) && valve_ids.length > 0 ? `${links} · ${shortList(valve_ids)}` : links;
}

/** Return the first few of a list and how many more there are. */
export function shortList(names: readonly string[], most = 3): string {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} +${names.length - most}`;
}

const STATES = { unacknowledged: 0, returned_unacknowledged: 1, acknowledged: 2, shelved: 3, suppressed_by_design: 4, out_of_service: 5, normal: 6 };
const PRIORITIES = { high: 0, medium: 1, low: 2 };

/** Order alarms as a person should meet them: unacknowledged and urgent first, the newest of equals first. */
export function byUrgency(one: Alarm, other: Alarm): number {
  return (
    STATES[one.state] - STATES[other.state] ||
    PRIORITIES[one.priority] - PRIORITIES[other.priority] ||
    Date.parse(other.raised ?? "") - Date.parse(one.raised ?? "") ||
    one.key.localeCompare(other.key)
  );
}
