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

/** How long to wait before what got no answer is sent again [ms]: a poor line in the street, a service that starts anew. */
const WAITS_MS = [1000, 4000] as const;
/** A proxy's words for a service that is not there. */
const NOT_THERE = new Set([502, 504]);

/** Send a request. What carries a key is done once however often it is sent, so it is sent again where no answer came. */
async function send(request: Request): Promise<Response> {
  if (!request.headers.has("Idempotency-Key")) return fetch(request);
  for (const wait of WAITS_MS) {
    const answer = await fetch(request.clone()).catch(() => null);
    if (answer !== null && !NOT_THERE.has(answer.status)) return answer;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return fetch(request);
}

export const client = createClient<paths>({ baseUrl: base(), credentials: "same-origin", fetch: send });
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
