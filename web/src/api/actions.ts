/** What people do. Each carries the version that the person saw; the service tells who was faster. */

import { client, once } from "./client";
import type { Alarm, Change, Complaint, FindingKind, Order, Schemas, WorksKind } from "./types";

async function answer<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T;
}

const header = (): { "Idempotency-Key": string } => once();

export const actions = {
  signIn: (name: string, password: string) => answer(client.POST("/api/v1/session", { body: { name, password } })),
  signOut: () => answer(client.DELETE("/api/v1/session")),

  acknowledge: ({ id, version }: Alarm, comment: string) =>
    answer(client.POST("/api/v1/alarms/{alarm_id}/acknowledge", { params: { path: { alarm_id: id } }, body: { version, comment } })),
  shelve: ({ id, version }: Alarm, reason: string, until: string) =>
    answer(client.POST("/api/v1/alarms/{alarm_id}/shelve", { params: { path: { alarm_id: id } }, body: { version, reason, until } })),
  unshelve: ({ id, version }: Alarm) =>
    answer(client.POST("/api/v1/alarms/{alarm_id}/unshelve", { params: { path: { alarm_id: id } }, body: { version } })),
  comment: ({ id, version }: Alarm, words: string) =>
    answer(client.POST("/api/v1/alarms/{alarm_id}/comment", { params: { path: { alarm_id: id } }, body: { version, words } })),

  startRun: (asked: Schemas["NewRun"]) => answer(client.POST("/api/v1/diagnosis-runs", { params: { header: header() }, body: asked })),
  cancelRun: (id: number) => answer(client.DELETE("/api/v1/diagnosis-runs/{run_id}", { params: { path: { run_id: id } } })),
  rerun: (id: number) => answer(client.POST("/api/v1/diagnoses/{diagnosis_id}/rerun", { params: { header: header(), path: { diagnosis_id: id } } })),

  keepScenario: (name: string, changes: readonly Change[]) =>
    answer(client.POST("/api/v1/scenarios", { params: { header: header() }, body: { name, note: "", changes: [...changes] } })),

  draftOrder: (diagnosis: number) => answer(client.POST("/api/v1/orders", { params: { header: header() }, body: { diagnosis_id: diagnosis } })),
  dispatch: ({ id, version }: Order, crew: string) =>
    answer(client.POST("/api/v1/orders/{order_id}/dispatch", { params: { header: header(), path: { order_id: id } }, body: { version, crew } })),
  arrive: ({ id, version }: Order) =>
    answer(client.POST("/api/v1/orders/{order_id}/arrive", { params: { header: header(), path: { order_id: id } }, body: { version } })),
  find: (id: number, findings: { kind: FindingKind; detail: string }[]) =>
    answer(client.POST("/api/v1/orders/{order_id}/findings", { params: { header: header(), path: { order_id: id } }, body: { findings } })),
  pressures: (id: number, before: number | null, after: number | null) =>
    answer(client.POST("/api/v1/orders/{order_id}/pressures", { params: { header: header(), path: { order_id: id } }, body: { before_m: before, after_m: after } })),
  photo: (id: number, file: Blob, caption: string) =>
    answer(
      client.POST("/api/v1/orders/{order_id}/photos", {
        params: { header: header(), path: { order_id: id }, query: { caption } },
        body: file as never,
        bodySerializer: (body: unknown) => body as Blob,
        headers: { "Content-Type": file.type },
      }),
    ),
  close: ({ id, version }: Order) => answer(client.POST("/api/v1/orders/{order_id}/close", { params: { header: header(), path: { order_id: id } }, body: { version } })),
  cancel: ({ id, version }: Order) => answer(client.POST("/api/v1/orders/{order_id}/cancel", { params: { header: header(), path: { order_id: id } }, body: { version } })),
  reading: (asked: Schemas["NewHandReading"]) => answer(client.POST("/api/v1/readings", { params: { header: header() }, body: asked })),
  complain: (asked: Schemas["NewComplaint"]): Promise<Complaint> => answer(client.POST("/api/v1/complaints", { params: { header: header() }, body: asked })),

  takeOut: (name: string, reason: string) => answer(client.POST("/api/v1/points/{name}/out-of-scan", { params: { path: { name } }, body: { reason } })),
  putBack: (name: string) => answer(client.DELETE("/api/v1/points/{name}/out-of-scan", { params: { path: { name } } })),
  planWorks: (asked: { kind: WorksKind; start: string; end: string; reason: string; zones: string[]; elements: string[] }) =>
    answer(client.POST("/api/v1/works", { params: { header: header() }, body: asked })),
  endWorks: (id: number) => answer(client.POST("/api/v1/works/{works_id}/end", { params: { path: { works_id: id } } })),
};
