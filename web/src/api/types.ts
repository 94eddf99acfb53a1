/** The service's words, generated from its OpenAPI; nothing here is written twice. */

import type { components } from "./schema";

export type Schemas = components["schemas"];

/** A body as it arrives: the client tells pairs of numbers as lists of them. */
type Told<T> = T extends (infer E)[] ? Told<E>[] : T extends object ? { [K in keyof T]: Told<T[K]> } : T;

export type Alarm = Schemas["AlarmView"];
export type AlarmCode = Schemas["AlarmCode"];
export type AlarmKind = Schemas["AlarmKind"];
export type AlarmState = Schemas["AlarmState"];
export type Priority = Schemas["Priority"];
export type CauseKind = Schemas["CauseKind"];
export type Cause = Told<Schemas["CauseView"]>;
export type Change = Schemas["ChangeAsked"];
export type ChangeKind = Schemas["ChangeKind"];
export type Complaint = Schemas["ComplaintView"];
export type Customer = Schemas["CustomerView"];
export type Cure = Told<Schemas["CureView"]>;
export type Diagnosis = Told<Schemas["DiagnosisView"]>;
export type DiagnosisDocument = Told<Schemas["DiagnosisDocument"]>;
export type FindingKind = Schemas["FindingKind"];
export type Order = Told<Schemas["OrderView"]>;
export type OrderState = Schemas["OrderState"];
export type Part = Schemas["Part"];
export type Place = Schemas["Place"];
export type Point = Schemas["PointView"];
export type Quality = Schemas["Quality"];
export type Quantity = Schemas["Quantity"];
export type Role = Schemas["Role"];
export type RunState = Schemas["RunState"];
export type Site = Schemas["SiteView"];
export type State = Schemas["StateView"];
export type Valve = Schemas["ValveView"];
export type WhatIf = Schemas["WhatIfView"];
export type WorksKind = Schemas["WorksKind"];
export type Term = Schemas["AttributionTerm"]["term"];
