/** The one door to deck.gl, so that everything else loads without it. */

import { Deck, LinearInterpolator, OrthographicView, type PickingInfo } from "@deck.gl/core";
import { LineLayer, ScatterplotLayer } from "@deck.gl/layers";
import { FARTHEST, NEAREST, type Camera } from "./camera";
import type { Segments } from "./network";
import type { Paint } from "./paint";
import type { Rgb } from "./scale";

/** A line drawn over or under the mains. */
export interface Stroke {
  readonly source: Float32Array;
  readonly target: Float32Array;
  readonly count: number;
  readonly colour: Rgb;
  readonly width: number;
}

/** A ring around nodes. */
export interface Rings {
  readonly xy: Float32Array;
  readonly count: number;
  readonly colour: Rgb;
  readonly radius: number;
}

export interface Scene {
  readonly segments: Segments;
  readonly paint: Paint;
  readonly under: readonly Stroke[];
  readonly rings: readonly Rings[];
}

export interface Hit {
  /** Place of the link in the network. */
  readonly link: number;
}

export interface Screen {
  draw(scene: Scene): void;
  look(camera: Camera, ms: number): void;
  hit(x: number, y: number): Hit | null;
  close(): void;
}

/** Open a screen on a canvas. `moved` is told of every camera, its own and those it was told to take. */
export function openScreen(canvas: HTMLCanvasElement, first: Camera, moved: (camera: Camera) => void): Screen {
  let segments: Segments | null = null;
  const deck = new Deck({
    canvas,
    views: new OrthographicView({ flipY: false, controller: { keyboard: false, inertia: 120, scrollZoom: { speed: 0.012, smooth: false } } }),
    initialViewState: viewState(first, 0),
    pickingRadius: 6,
    useDevicePixels: Math.min(globalThis.devicePixelRatio, 2),
    getCursor: ({ isDragging }) => (isDragging ? "grabbing" : "crosshair"),
    onViewStateChange: ({ viewState: now }) => {
      const at = now as { target: number[]; zoom: number };
      moved({ x: at.target[0]!, y: at.target[1]!, zoom: at.zoom });
    },
    // The frame around the canvas takes the keyboard; the canvas itself is drawing, not a place to stand on.
    onLoad: () => (canvas.tabIndex = -1),
    layers: [],
  });
  return {
    draw(scene) {
      segments = scene.segments;
      deck.setProps({ layers: layersOf(scene) });
    },
    look(camera, ms) {
      deck.setProps({ initialViewState: viewState(camera, ms) });
    },
    hit(x, y) {
      const found: PickingInfo | null = deck.pickObject({ x, y, radius: 7, layerIds: ["mains"] });
      if (found === null || found.index < 0 || segments === null) return null;
      return { link: segments.link[found.index]! };
    },
    close() {
      deck.finalize();
    },
  };
}

function viewState(camera: Camera, ms: number): Record<string, unknown> {
  return {
    target: [camera.x, camera.y, 0],
    zoom: camera.zoom,
    minZoom: FARTHEST,
    maxZoom: NEAREST,
    ...(ms > 0
      ? { transitionDuration: ms, transitionInterpolator: new LinearInterpolator({ transitionProps: ["target", "zoom"] }) }
      : {}),
  };
}

function layersOf({ segments, paint, under, rings }: Scene): (LineLayer | ScatterplotLayer)[] {
  return [
    ...under.map(
      (stroke, place) =>
        new LineLayer({
          id: `under-${place}`,
          data: {
            length: stroke.count,
            attributes: {
              getSourcePosition: { value: stroke.source, size: 2 },
              getTargetPosition: { value: stroke.target, size: 2 },
            },
          },
          getColor: [...stroke.colour],
          getWidth: stroke.width,
          widthUnits: "pixels",
          updateTriggers: { getColor: stroke.colour, getWidth: stroke.width },
        }),
    ),
    new LineLayer({
      id: "mains",
      data: {
        length: segments.count,
        attributes: {
          getSourcePosition: { value: segments.source, size: 2 },
          getTargetPosition: { value: segments.target, size: 2 },
          getColor: { value: paint.colour, size: 4, type: "unorm8" },
          getWidth: { value: paint.width, size: 1 },
        },
      },
      widthUnits: "pixels",
      widthMinPixels: 1,
      pickable: true,
    }),
    ...rings.map(
      (ring, place) =>
        new ScatterplotLayer({
          id: `rings-${place}`,
          data: { length: ring.count, attributes: { getPosition: { value: ring.xy, size: 2 } } },
          getRadius: ring.radius,
          radiusUnits: "pixels",
          filled: false,
          stroked: true,
          getLineColor: [...ring.colour],
          getLineWidth: 1.5,
          lineWidthUnits: "pixels",
          updateTriggers: { getLineColor: ring.colour, getRadius: ring.radius },
        }),
    ),
  ];
}
