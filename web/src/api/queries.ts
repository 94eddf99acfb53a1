/** What the pages ask for, each under the key by which it is remembered and made old. */

import { queryOptions } from "@tanstack/svelte-query";
import { makeNetwork, type Network } from "../map/network";
import { readArrays, type Arrays, type Column } from "./arrays";
import { client } from "./client";
import type { Alarm, Schemas } from "./types";

/** A solved state: one number a node or a link. */
export interface State {
  readonly pressure: Float32Array;
  readonly flow: Float32Array;
  readonly velocity: Float32Array;
  readonly headloss: Float32Array;
}

/** The states before and after changes. */
export interface Trial {
  readonly pressureBefore: Float32Array;
  readonly pressureAfter: Float32Array;
  readonly velocityBefore: Float32Array;
  readonly velocityAfter: Float32Array;
  readonly headlossBefore: Float32Array;
  readonly headlossAfter: Float32Array;
}

interface NetworkMeta {
  readonly revision: string;
  readonly origin: readonly [number, number];
}

const FOR_GOOD = { staleTime: Infinity, gcTime: Infinity } as const;
const PAGE = 500;
/** A list longer than this is not read to its end: nobody looks at it as a whole. */
const MOST_PAGES = 20;

/** The middleware throws on every refusal, so that an answer without data cannot be. */
async function answer<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T;
}

async function all<T>(page: (cursor: string | undefined) => Promise<{ data?: { items: T[]; next: string | null } }>): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const { items, next } = await answer(page(cursor));
    found.push(...items);
    if (next === null) break;
    cursor = next;
  }
  return found;
}

async function arrays<Meta>(asked: Promise<{ data?: unknown }>): Promise<Arrays<Meta>> {
  return readArrays<Meta>((await asked).data as ArrayBuffer);
}

function networkOf(told: Arrays<NetworkMeta>): Network {
  const widened = (name: string): Uint32Array => Uint32Array.from(told.column<Column>(name));
  return makeNetwork({
    revision: told.meta.revision,
    origin: told.meta.origin,
    nodeIds: told.lines("node_ids"),
    nodeKind: told.column<Uint8Array>("node_kind"),
    x: told.column("node_x"),
    y: told.column("node_y"),
    elevation: told.column("node_elevation"),
    linkIds: told.lines("link_ids"),
    linkKind: told.column<Uint8Array>("link_kind"),
    start: widened("link_start"),
    end: widened("link_end"),
    diameterMm: Float32Array.from(told.column<Column>("link_diameter")),
    lengthM: told.column("link_length"),
    ...(told.has("vertex_xy") ? { bends: { xy: told.column("vertex_xy"), offset: widened("vertex_offset") } } : {}),
  });
}

const BINARY = { parseAs: "arrayBuffer" } as const;
const orNow = (at: string): string => (at === "" ? "now" : at);

export const queries = {
  session: () => queryOptions({ queryKey: ["session"], queryFn: () => answer(client.GET("/api/v1/session")), staleTime: Infinity }),
  site: () => queryOptions({ queryKey: ["site"], queryFn: () => answer(client.GET("/api/v1/site")), staleTime: 600_000 }),
  network: () =>
    queryOptions({
      queryKey: ["network"],
      queryFn: async () => networkOf(await arrays<NetworkMeta>(client.GET("/api/v1/network/arrays", BINARY))),
      ...FOR_GOOD,
    }),
  node: (node: string) => queryOptions({ queryKey: ["node", node], queryFn: () => answer(client.GET("/api/v1/network/nodes/{node}", { params: { path: { node } } })) }),
  link: (link: string) => queryOptions({ queryKey: ["link", link], queryFn: () => answer(client.GET("/api/v1/network/links/{link}", { params: { path: { link } } })) }),
  find: (words: string) =>
    queryOptions({
      queryKey: ["find", words],
      queryFn: async () => (await answer(client.GET("/api/v1/network/search", { params: { query: { words } } }))).found,
    }),
  path: (start: string, end: string) => queryOptions({ queryKey: ["path", start, end], queryFn: () => answer(client.GET("/api/v1/network/path", { params: { query: { start, end } } })) }),
  state: (at: string) => queryOptions({ queryKey: ["state", at], queryFn: () => answer(client.GET("/api/v1/state", { params: { query: { at: orNow(at) } } })) }),
  solved: (at: string) =>
    queryOptions({
      queryKey: ["solved", at],
      queryFn: async (): Promise<State> => {
        const told = await arrays<unknown>(client.GET("/api/v1/state/arrays", { params: { query: { at: orNow(at) } }, ...BINARY }));
        return { pressure: told.column("pressure"), flow: told.column("flow"), velocity: told.column("velocity"), headloss: told.column("headloss") };
      },
    }),
  points: () => queryOptions({ queryKey: ["points"], queryFn: async () => (await answer(client.GET("/api/v1/points"))).points }),
  samples: (name: string, from: number, to: number) =>
    queryOptions({
      queryKey: ["samples", name, from, to],
      queryFn: () =>
        answer(
          client.GET("/api/v1/points/{name}/samples", {
            params: { path: { name }, query: { start: iso(from), end: iso(to), step_s: stepFor(from, to), limit: 5000 } },
          }),
        ),
    }),
  expected: (name: string, from: number, to: number) =>
    queryOptions({
      queryKey: ["expected", name, from, to],
      queryFn: () => answer(client.GET("/api/v1/points/{name}/expected", { params: { path: { name }, query: { start: iso(from), end: iso(to) } } })),
    }),
  alarms: () =>
    queryOptions({
      queryKey: ["alarms"],
      queryFn: () => all<Alarm>((cursor) => client.GET("/api/v1/alarms", { params: { query: { limit: PAGE, cursor } } })),
      refetchInterval: 30_000,
    }),
  alarmLog: (id: string) =>
    queryOptions({
      queryKey: ["alarm", id],
      queryFn: async () => (await answer(client.GET("/api/v1/alarm-events", { params: { query: { alarm_id: id } } }))).items,
    }),
  diagnoses: () => queryOptions({ queryKey: ["diagnoses"], queryFn: async () => (await answer(client.GET("/api/v1/diagnoses", { params: { query: { limit: 100 } } }))).items }),
  diagnosis: (id: number) => queryOptions({ queryKey: ["diagnosis", id], queryFn: () => answer(client.GET("/api/v1/diagnoses/{diagnosis_id}", { params: { path: { diagnosis_id: id } } })) }),
  run: (id: number) => queryOptions({ queryKey: ["run", id], queryFn: () => answer(client.GET("/api/v1/diagnosis-runs/{run_id}", { params: { path: { run_id: id } } })) }),
  whatIf: (question: Schemas["WhatIfAsked"]) =>
    queryOptions({ queryKey: ["whatIf", question], queryFn: () => answer(client.POST("/api/v1/whatifs", { body: question })), staleTime: 60_000 }),
  whatIfArrays: (id: string) =>
    queryOptions({
      queryKey: ["whatIfArrays", id],
      queryFn: async (): Promise<Trial> => {
        const told = await arrays<unknown>(client.GET("/api/v1/whatifs/{whatif_id}/arrays", { params: { path: { whatif_id: id } }, ...BINARY }));
        return {
          pressureBefore: told.column("pressure_before"),
          pressureAfter: told.column("pressure_after"),
          velocityBefore: told.column("velocity_before"),
          velocityAfter: told.column("velocity_after"),
          headlossBefore: told.column("headloss_before"),
          headlossAfter: told.column("headloss_after"),
        };
      },
      // As it was, but let go once nobody looks: on a page that stays open each new reading makes another trial.
      staleTime: Infinity,
    }),
  scenarios: () => queryOptions({ queryKey: ["scenarios"], queryFn: () => all((cursor) => client.GET("/api/v1/scenarios", { params: { query: { limit: PAGE, cursor } } })) }),
  catalogue: () => queryOptions({ queryKey: ["catalogue"], queryFn: () => answer(client.GET("/api/v1/catalogue")), ...FOR_GOOD }),
  customers: () => queryOptions({ queryKey: ["customers"], queryFn: () => answer(client.GET("/api/v1/customers")), ...FOR_GOOD }),
  orders: () => queryOptions({ queryKey: ["orders"], queryFn: () => all((cursor) => client.GET("/api/v1/orders", { params: { query: { limit: PAGE, cursor } } })) }),
  order: (id: number) => queryOptions({ queryKey: ["order", id], queryFn: () => answer(client.GET("/api/v1/orders/{order_id}", { params: { path: { order_id: id } } })) }),
  complaints: () => queryOptions({ queryKey: ["complaints"], queryFn: () => all((cursor) => client.GET("/api/v1/complaints", { params: { query: { limit: PAGE, cursor } } })) }),
  works: () => queryOptions({ queryKey: ["works"], queryFn: () => all((cursor) => client.GET("/api/v1/works", { params: { query: { limit: PAGE, cursor } } })) }),
  accuracy: () => queryOptions({ queryKey: ["accuracy"], queryFn: () => answer(client.GET("/api/v1/accuracy")), staleTime: 60_000 }),
  importReport: () => queryOptions({ queryKey: ["importReport"], queryFn: () => answer(client.GET("/api/v1/import-report")), staleTime: 60_000 }),
  health: () => queryOptions({ queryKey: ["health"], queryFn: () => answer(client.GET("/api/v1/health")), refetchInterval: 10_000 }),
};

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** A chart has some hundred pixels: more readings than that are told as means. */
function stepFor(from: number, to: number): number | undefined {
  const seconds = (to - from) / 1000;
  return seconds <= 48 * 3600 ? undefined : Math.ceil(seconds / 600);
}
