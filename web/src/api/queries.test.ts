import { expect, test, vi } from "vitest";

test("arrays of a what-if are let go once nobody looks at them", async () => {
  vi.stubGlobal("document", { baseURI: "http://site.example/" });
  const { queries } = await import("./queries");
  expect(queries.whatIfArrays("one").staleTime).toBe(Infinity);
  expect(queries.whatIfArrays("one").gcTime ?? 300_000).toBeLessThan(3_600_000);
});
