/** Codes that the service sends as part of something else. */

import type { Schemas } from "../api/types";

/** The last part of a problem's type: `urn:hydro:problem:changed` is `changed`. */
export type ProblemKey = Schemas["ProblemType"] extends `urn:hydro:problem:${infer Key}` ? Key : never;

/** What a crew brings. */
export type ItemCode =
  | "portable_pressure_gauge" | "traffic_cones" | "valve_key" | "gate_valve" | "pipe_coupling" | "pipe_cutter"
  | "flushing_hose" | "drainage_pump" | "valve_box_cleaner" | "leak_correlator" | "repair_clamp"
  | "clamp_on_flow_meter" | "inspection_camera" | "power_meter" | "calibrated_gauge" | "gauge_fittings";
