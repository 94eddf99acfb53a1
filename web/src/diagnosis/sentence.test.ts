import { describe, expect, it } from "vitest";
import type { Cause, DiagnosisDocument } from "../api/types";
import { en } from "../words/en";
import { zh } from "../words/zh";
import { alike, causeWords, side, verdict } from "./sentence";

const blocked = { kind: "blocked_link", elements: ["P-144"], valve_ids: ["V-095"], probability: 0.93, severity: {}, evidence: [] } as unknown as Cause;

function document(changes: Partial<DiagnosisDocument>): DiagnosisDocument {
  return {
    schema: 1, network: "n", start: "", window: { start: "", end: "", samples: 1, rejected: [] }, causes: [blocked],
    healthy_probability: 0, unexplained_probability: 0, indistinguishable: [], attribution: [], next_measurements: [],
    cures: [], can_say: true, affected_customers: [], stale_boundaries: [], remarks: [], elapsed_s: 1, ...changes,
  } as unknown as DiagnosisDocument;
}

describe("a diagnosis in words", () => {
  it("is said in both languages from the same codes", () => {
    expect(causeWords(blocked, en)).toBe("Blocked main P-144 (valve V-095)");
    expect(causeWords(blocked, zh)).toBe("管道堵塞 P-144（阀门 V-095）");
  });

  it("weighs evidence by which way the model moves", () => {
    expect(side({ measured: 10, modelled: 20, with_cause: 11 })).toBe("for");
    expect(side({ measured: 10, modelled: 11, with_cause: 20 })).toBe("against");
    expect(side({ measured: 10, modelled: 10, with_cause: 10 })).toBe("silent");
  });

  it("holds back where the readings do not hold an answer", () => {
    expect(verdict(document({}))).toBe("sure");
    expect(verdict(document({ can_say: false }))).toBe("open");
    expect(verdict(document({ causes: [{ ...blocked, probability: 0.55 }] }))).toBe("likely");
    expect(verdict(document({ healthy_probability: 0.9, causes: [] }))).toBe("healthy");
  });

  it("takes a blocked and a closed link as one among those that cannot be told apart", () => {
    const group = [{ kind: "closed_link" as const, elements: ["P-144"] }, { kind: "closed_link" as const, elements: ["P-147"] }];
    expect(alike(blocked, document({ indistinguishable: [group] }))).toEqual([group[1]]);
  });
});
