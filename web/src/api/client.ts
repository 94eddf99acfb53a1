/** One way to the service: typed by its OpenAPI, carrying the session's token on changes, turning problems into errors. */

import createClient, { type Middleware } from "openapi-fetch";
import { base } from "./base";
import { Refusal, type Problem } from "./problem";
import type { paths } from "./schema";

/** What a change must carry; the session says it. */
export const credentials = { csrf: "" };

/** Told when the service no longer knows who asks. */
export const signedOut = new EventTarget();

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

const middleware: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set("X-CSRF-Token", credentials.csrf);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return undefined;
    if (response.status === 401) signedOut.dispatchEvent(new Event("signedout"));
    throw new Refusal(await problemOf(response));
  },
};

export const client = createClient<paths>({ baseUrl: base(), credentials: "same-origin" });
client.use(middleware);

/** Return a key that makes a repeated creation the same creation. */
export function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get("Content-Type")?.includes("json")) {
    const told = (await response.json()) as Partial<Problem>;
    return { type: told.type ?? "", title: told.title ?? response.statusText, status: response.status, detail: told.detail ?? "" };
  }
  return { type: "", title: `${response.status} ${response.statusText}`.trim(), status: response.status };
}
