import { describe, expect, it } from "vitest";
import { asked, fromQuery, toQuery } from "./draft";

const replace = { kind: "replace", element: "P-144", size: "PE100 SDR11 DN110", value: null } as const;

describe("changes in the address", () => {
  it("come back as they went", () => {
    expect(fromQuery(toQuery([replace]))).toEqual([replace]);
    expect(toQuery([])).toEqual({ c: "" });
  });

  it("are none when the address is no list of changes", () => {
    expect(fromQuery({ c: "{broken" })).toEqual([]);
    expect(fromQuery({ c: '[{"kind":"explode","element":"P-1"}, 7, null]' })).toEqual([]);
    expect(fromQuery({})).toEqual([]);
  });

  it("are asked about once they are complete", () => {
    const half = { kind: "diameter", element: "P-1", size: "", value: null } as const;
    expect(asked([replace, half], "peak", null, 2)).toEqual({ changes: [replace], at: "peak", from_diagnosis: null, cure: null });
    expect(asked([], "now", 7, 0).cure).toBe(0);
  });
});
