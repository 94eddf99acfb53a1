import { describe, expect, it } from "vitest";
import { health, newest } from "../monitor/figures";
import type { Point } from "../api/types";
import { condition } from "./condition";

const point = { out_of_scan: null, stale: false, modelled: 30, deviation: 0.5 };
const read = (value: number | null, quality: 0 | 1 | 2 = 0) => ({ time: 0, value, quality });

describe("a point", () => {
  it("is off when it lies far from the model", () => {
    expect(condition(point, read(31))).toBe("good");
    expect(condition(point, read(33))).toBe("off");
    expect(condition({ ...point, modelled: null }, read(33))).toBe("good");
  });

  it("is bad, uncertain or stale before it is compared", () => {
    expect(condition(point, read(null, 2))).toBe("bad");
    expect(condition(point, read(33, 1))).toBe("uncertain");
    expect(condition({ ...point, stale: true }, read(30))).toBe("stale");
    expect(condition(point, null)).toBe("stale");
  });

  it("is out of scan whatever it reads", () => {
    expect(condition({ ...point, out_of_scan: { point: "", reason: "", by: "", since: "" } }, read(30))).toBe("out");
  });

  it("shows what the stream said last, unless what was fetched is newer", () => {
    const kept = { name: "PT", latest: { time: "1970-01-01T00:00:10Z", value: 1, quality: "good", reason: "" } } as unknown as Point;
    expect(newest(kept, new Map([["PT", { time: 20_000, value: 2, quality: 0 as const }]]))?.value).toBe(2);
    expect(newest(kept, new Map([["PT", { time: 5_000, value: 2, quality: 0 as const }]]))?.value).toBe(1);
    expect(health([{ ...kept, out_of_scan: null, stale: true }], new Map())).toEqual({ good: 0, uncertain: 0, bad: 0, stale: 1 });
  });
});
