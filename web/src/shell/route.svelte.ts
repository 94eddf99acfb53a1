/** Where one is: `#/page/id?query`. The hash, so that any server can serve the console under any path. */

export const PAGES = ["monitor", "alarms", "diagnosis", "whatif", "orders", "data"] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  readonly page: Page;
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Read a hash; what is no page is the first one. */
export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", id = ""] = path.split("/", 2);
  const known = PAGES.find((one) => one === page) ?? "monitor";
  return { page: known, id: decoded(id), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Return the hash of a place. Empty words of the query are left out. */
export function href(page: Page, id: string | number = "", query: Readonly<Record<string, string>> = {}): string {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const path = id === "" ? page : `${page}/${encodeURIComponent(id)}`;
  return `#/${path}${words.size > 0 ? `?${words}` : ""}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let present: Route = $state.raw(parseRoute(globalThis.location?.hash ?? ""));

export const route = {
  get page(): Page {
    return present.page;
  },
  get id(): string {
    return present.id;
  },
  get query(): Readonly<Record<string, string>> {
    return present.query;
  },
};

/** Follow the address bar; returns how to stop. */
export function followAddress(): () => void {
  const follow = (): void => {
    present = parseRoute(location.hash);
  };
  addEventListener("hashchange", follow);
  return () => removeEventListener("hashchange", follow);
}

/** Go to a place. */
export function go(page: Page, id: string | number = "", query: Readonly<Record<string, string>> = {}): void {
  location.hash = href(page, id, query);
}

/** Change words of the query where one is, without a new step to go back to. */
export function amend(query: Readonly<Record<string, string>>): void {
  history.replaceState(null, "", href(present.page, present.id, { ...present.query, ...query }));
  present = parseRoute(location.hash);
}
