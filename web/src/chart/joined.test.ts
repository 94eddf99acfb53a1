import { describe, expect, it } from "vitest";
import { joined } from "./joined";

describe("series over one axis", () => {
  it("keep their own times", () => {
    const found = joined({ time: [0, 10], value: [1, 2] }, { time: [5, 10], value: [7, 8] }, null);
    expect(found.time).toEqual([0, 5, 10]);
    expect(found.measured).toEqual([1, undefined, 2]);
    expect(found.modelled).toEqual([undefined, 7, 8]);
  });

  it("break where nothing was read", () => {
    const found = joined({ time: [0, 1, 2, 3, 50, 51], value: [1, 1, 1, 1, 2, 2] }, null, null);
    expect(found.time).toContain(4);
    expect(found.measured[found.time.indexOf(4)]).toBeNull();
  });

  it("break at a reading without a value", () => {
    expect(joined({ time: [0, 1, 2], value: [1, null, 3] }, null, null).measured).toEqual([1, null, 3]);
  });
});
