import { describe, expect, it } from "vitest";
import { readArrays } from "../api/arrays";
import { barLength, fitted, project } from "./camera";
import { boundsOf, makeNetwork, placeOf, type Network } from "./network";
import { paint, perLink, widths } from "./paint";
import { diverging, sequential, step, ticks } from "./scale";
import { ringsBelow, strokeOf } from "./stroke";

/** Three junctions in a row; the second pipe has a bend. */
function row(): Network {
  return makeNetwork({
    revision: "r1",
    origin: [38_512_000, 4_021_000],
    nodeIds: ["A", "B", "C"],
    nodeKind: Uint8Array.of(0, 0, 0),
    x: Float32Array.of(0, 100, 200),
    y: Float32Array.of(0, 0, 50),
    elevation: Float32Array.of(1, 2, 3),
    linkIds: ["P1", "P2"],
    linkKind: Uint8Array.of(0, 0),
    start: Uint32Array.of(0, 1),
    end: Uint32Array.of(1, 2),
    diameterMm: Float32Array.of(200, 75),
    lengthM: Float32Array.of(100, 150),
    bends: { xy: Float32Array.of(200, 0), offset: Uint32Array.of(0, 0, 1) },
  });
}

describe("network", () => {
  it("cuts a pipe at its bends", () => {
    const { segments } = row();
    expect([...segments.link]).toEqual([0, 1, 1]);
    expect([...segments.source.slice(2, 6)]).toEqual([100, 0, 200, 0]);
  });

  it("finds the box, and the place of a link between its ends", () => {
    expect(boundsOf(row())).toEqual([0, 0, 200, 50]);
    expect(placeOf(row(), "P1")).toEqual([50, 0]);
    expect(placeOf(row(), "<b>none</b>")).toBeNull();
  });
});

describe("paint", () => {
  const scale = sequential(0, 40, "low", "light");

  it("shows a link at the lower pressure of its ends, thicker below the required one", () => {
    const network = row();
    const valued = { on: "node", values: Float32Array.of(30, 20, 5), below: 14 } as const;
    expect([...perLink(network, valued)]).toEqual([20, 5]);
    const base = widths(network);
    const { width } = paint(network, valued, scale, "light", base);
    expect(width[0]).toBeCloseTo(base[0]!);
    expect(width[1]).toBeCloseTo(base[1]! * 2.4);
  });

  it("paints what is not known in grey, and reuses its arrays", () => {
    const network = row();
    const first = paint(network, { on: "link", values: Float32Array.of(Number.NaN, 40) }, scale, "light", widths(network));
    expect([...first.colour.slice(0, 4)]).toEqual([176, 182, 187, 255]);
    expect(paint(network, null, null, "light", widths(network), first).colour).toBe(first.colour);
  });
});

describe("scales", () => {
  it("stand out at the low end on both grounds", () => {
    const luminance = (table: Uint8Array, at: number): number => table[at * 4]! + table[at * 4 + 1]! + table[at * 4 + 2]!;
    const light = sequential(0, 1, "low", "light").table;
    const dark = sequential(0, 1, "low", "dark").table;
    expect(luminance(light, 0)).toBeLessThan(luminance(light, 255));
    expect(luminance(dark, 0)).toBeGreaterThan(luminance(dark, 255));
  });

  it("put nought in the middle of a difference", () => {
    const scale = diverging(5, "light");
    expect(step(scale, 0)).toBe(128);
    expect([step(scale, -9), step(scale, 9)]).toEqual([0, 255]);
  });

  it("tick at round numbers", () => {
    expect(ticks(0, 40)).toEqual([0, 10, 20, 30, 40]);
    expect(ticks(-0.3, 0.3, 4)).toEqual([-0.2, 0, 0.2]);
  });
});

describe("camera", () => {
  it("shows a box whole and puts its middle in the middle", () => {
    const camera = fitted([0, 0, 1000, 500], 800, 600);
    expect(project(camera, 500, 250, 800, 600)).toEqual([400, 300]);
    const [x] = project(camera, 1000, 250, 800, 600);
    expect(x).toBeGreaterThan(700);
    expect(x).toBeLessThan(800);
  });

  it("draws a bar of a round length", () => {
    expect(barLength({ x: 0, y: 0, zoom: -1 }, 120)).toBe(200);
  });
});

describe("what is pointed at", () => {
  it("is drawn from the network's own lines", () => {
    expect(strokeOf(row(), ["P2"], [1, 2, 3], 9)?.count).toBe(2);
    expect(strokeOf(row(), ["nowhere"], [1, 2, 3], 9)).toBeNull();
    expect(ringsBelow(row(), Float32Array.of(30, 10, 5), 14, [1, 2, 3])?.count).toBe(2);
  });
});

describe("arrays", () => {
  function container(header: object, body: ArrayBuffer): ArrayBuffer {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const start = Math.ceil((8 + text.length) / 8) * 8;
    const bytes = new Uint8Array(start + body.byteLength);
    bytes.set(new TextEncoder().encode("HYA1"));
    new DataView(bytes.buffer).setUint32(4, text.length, true);
    bytes.set(text, 8);
    bytes.set(new Uint8Array(body), start);
    return bytes.buffer;
  }

  it("are read in place", () => {
    const header = { meta: { time: "now" }, arrays: [{ name: "pressure", dtype: "float32", shape: [2], offset: 0 }] };
    const read = readArrays<{ time: string }>(container(header, Float32Array.of(1.5, 2.5).buffer));
    expect(read.meta.time).toBe("now");
    expect([...read.column("pressure")]).toEqual([1.5, 2.5]);
    expect(() => read.column("flow")).toThrow("no array flow");
  });

  it("say so when the answer is something else or cut short", () => {
    expect(() => readArrays(new TextEncoder().encode("<html></html>").buffer)).toThrow('begins with "<htm"');
    const header = { meta: {}, arrays: [{ name: "pressure", dtype: "float32", shape: [4], offset: 0 }] };
    expect(() => readArrays(container(header, new ArrayBuffer(8)))).toThrow("pressure ends at byte");
  });
});
