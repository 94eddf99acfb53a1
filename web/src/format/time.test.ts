import { describe, expect, it } from "vitest";
import { clock, instantOf, localInput, moment, offset } from "./time";

const BERLIN = "Europe/Berlin";
const SHANGHAI = "Asia/Shanghai";

describe("the site's clock", () => {
  it("shows an instant as the site's clocks do, whatever the browser's zone", () => {
    expect(moment("2026-07-10T23:00:00Z", SHANGHAI)).toBe("2026-07-11 07:00");
    expect(offset(Date.parse("2026-07-10T23:00:00Z"), SHANGHAI)).toBe("UTC+08:00");
  });

  it("shows 01:30, then 03:30 an hour later, on the night clocks go forward", () => {
    expect(clock("2026-03-29T00:30:00Z", BERLIN)).toBe("01:30");
    expect(clock("2026-03-29T01:30:00Z", BERLIN)).toBe("03:30");
  });

  it("shows 02:30 twice on the night clocks go back, told apart by the offset", () => {
    const [first, second] = [Date.parse("2026-10-25T00:30:00Z"), Date.parse("2026-10-25T01:30:00Z")];
    expect(clock(first, BERLIN)).toBe("02:30");
    expect(clock(second, BERLIN)).toBe("02:30");
    expect(offset(first, BERLIN)).toBe("UTC+02:00");
    expect(offset(second, BERLIN)).toBe("UTC+01:00");
  });

  it("reads a local time back, the first where there are two", () => {
    expect(new Date(instantOf("2026-07-11T07:00", SHANGHAI)).toISOString()).toBe("2026-07-10T23:00:00.000Z");
    expect(new Date(instantOf("2026-10-25T02:30", BERLIN)).toISOString()).toBe("2026-10-25T00:30:00.000Z");
  });

  it("moves a local time that never is past the gap", () => {
    expect(new Date(instantOf("2026-03-29T02:30", BERLIN)).toISOString()).toBe("2026-03-29T01:30:00.000Z");
    expect(localInput(instantOf("2026-03-29T02:30", BERLIN), BERLIN)).toBe("2026-03-29T03:30");
  });
});
