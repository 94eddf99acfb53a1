/** What the stream says now: newest readings, the site's time, and since when nothing is heard. */

import type { QueryClient } from "@tanstack/svelte-query";
import { millis } from "../format/time";
import { base } from "./base";
import { listen, type EventName } from "./stream";
import type { Alarm, Schemas } from "./types";

export interface Reading {
  readonly time: number;
  readonly value: number | null;
  readonly quality: 0 | 1 | 2;
}

interface Live {
  /** `starting` until the first word, `lost` once the line has gone. */
  line: "starting" | "up" | "lost";
  /** When the line went, on this machine's clock. */
  lostAt: number;
  /** The site's present as last told, and this machine's clock then. */
  now: number;
  toldAt: number;
  newest: number;
  version: string;
  /** The service behind this page is another version than the page was made for. */
  upgraded: boolean;
  /** Counts what came; a page that shows readings looks at it. */
  tick: number;
}

export const live: Live = $state({
  line: "starting",
  lostAt: 0,
  now: Number.NaN,
  toldAt: 0,
  newest: Number.NaN,
  version: "",
  upgraded: false,
  tick: 0,
});

/** Newest reading a point. Not reactive by itself: thousands change each second; `live.tick` says that some have. */
export const readings = new Map<string, Reading>();

/** Which kept answers a change makes old. */
const STALE: Record<Schemas["LiveChange"]["what"], readonly string[]> = {
  order: ["orders", "order", "alarms", "diagnosis"],
  complaint: ["complaints"],
  diagnosis: ["diagnoses", "alarms", "complaints"],
  run: ["run"],
  scenario: ["scenarios"],
  works: ["works", "alarms"],
  point: ["points"],
  user: ["session"],
  hand_reading: ["handReadings"],
};

const waiting = new Set<() => void>();

/** Wait until the service is heard again. */
export function lineUp(): Promise<void> {
  return new Promise((resolve) => waiting.add(resolve));
}

function isUp(): void {
  live.line = "up";
  for (const resolve of waiting) resolve();
  waiting.clear();
}

/** Follow the stream until told to stop. */
export function follow(client: QueryClient): () => void {
  const handlers: Record<EventName, (data: never) => void> = {
    hello(hello: Schemas["Hello"]) {
      if (live.version === "") live.version = hello.version;
      else if (live.version !== hello.version) live.upgraded = true;
      told(hello.now);
      if (!hello.resumed) void client.invalidateQueries();
    },
    samples({ rows }: Schemas["LiveSamples"]) {
      for (const [point, time, value, quality] of rows) readings.set(point, { time, value, quality });
      live.tick += 1;
    },
    alarm({ alarm }: { alarm: Alarm }) {
      void client.invalidateQueries({ queryKey: ["alarms"] });
      void client.invalidateQueries({ queryKey: ["alarm", alarm.id] });
    },
    change({ what }: Schemas["LiveChange"]) {
      for (const key of STALE[what]) void client.invalidateQueries({ queryKey: [key] });
    },
    clock({ now, newest }: Schemas["Clock"]) {
      told(now);
      live.newest = millis(newest);
    },
    reset() {
      readings.clear();
      void client.invalidateQueries();
    },
  };
  return listen(`${base()}/api/v1/stream`, (heard) => {
    if (heard.kind === "event") {
      if (live.line !== "up" || waiting.size > 0) isUp();
      handlers[heard.name](JSON.parse(heard.data) as never);
    } else if (heard.up) {
      isUp();
    } else if (live.line !== "lost") {
      live.line = "lost";
      live.lostAt = Date.now();
      // A line also ends because the session has: then nobody is signed in, and the page asks who it is.
      void client.invalidateQueries({ queryKey: ["session"] });
    }
  });
}

function told(now: string): void {
  live.now = millis(now);
  live.toldAt = Date.now();
}
