import { describe, expect, it } from "vitest";
import { href, parseRoute } from "./route.svelte";

describe("the address", () => {
  it("names a page, what is open on it, and how it is seen", () => {
    expect(parseRoute("#/diagnosis/12?at=2026-07-11T07%3A00Z")).toEqual({
      page: "diagnosis",
      id: "12",
      query: { at: "2026-07-11T07:00Z" },
    });
  });

  it("carries ids with slashes, tildes and markup unharmed", () => {
    const id = "limit~1PT/07~1<img src=x>%";
    expect(parseRoute(href("alarms", id)).id).toBe(id);
  });

  it("is the monitor when it is nothing known", () => {
    expect(parseRoute("#/../etc/passwd").page).toBe("monitor");
    expect(parseRoute("").page).toBe("monitor");
    expect(parseRoute("#/alarms/%E0%A4%A").id).toBe("%E0%A4%A");
  });

  it("leaves empty words out", () => {
    expect(href("alarms", "", { priority: "", q: "桂花路" })).toBe("#/alarms?q=%E6%A1%82%E8%8A%B1%E8%B7%AF");
  });
});
