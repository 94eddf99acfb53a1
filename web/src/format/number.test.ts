import { describe, expect, it } from "vitest";
import { number, percent, signed } from "./number";

describe("numbers", () => {
  it("shows what is not there as a dash", () => {
    expect(number(null)).toBe("–");
    expect(number(Number.NaN)).toBe("–");
    expect(percent(undefined)).toBe("–");
  });

  it("never rounds a chance to certainty", () => {
    expect(percent(0.9999)).toBe(">99 %");
    expect(percent(0.0004)).toBe("<1 %");
    expect(percent(1)).toBe("100 %");
    expect(percent(0)).toBe("0 %");
  });

  it("writes a minus, not a hyphen", () => {
    expect(signed(-1.24)).toBe("\u22121.2");
    expect(signed(1.26)).toBe("+1.3");
  });
});
