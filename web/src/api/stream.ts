/**
 * The live stream, one a browser: a shared worker holds the one connection that all tabs listen to (HTTP/1.1 allows six
 * an origin). A browser without shared workers opens one a tab. Both resume by `Last-Event-ID`.
 */

export const EVENTS = ["hello", "samples", "alarm", "change", "clock", "reset"] as const;
export type EventName = (typeof EVENTS)[number];

/** What a tab hears: an event of the service, or that the line is there or gone. */
export type Heard =
  | { readonly kind: "event"; readonly name: EventName; readonly data: string }
  | { readonly kind: "line"; readonly up: boolean };

type Listener = (heard: Heard) => void;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** The service says what time it is every few seconds; a line that says nothing for so long is gone. */
const SILENCE_MS = 20_000;

/**
 * A connection that comes back by itself. The browser's own `EventSource` retries after a cut, but gives up for good
 * after a refusal and does not see a line that hangs; both are seen to here.
 */
export class Line {
  private source: EventSource | null = null;
  private lastId = "";
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setTimeout> | undefined;
  private up: boolean | null = null;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    this.open();
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    const query = this.lastId === "" ? "" : `?last=${encodeURIComponent(this.lastId)}`;
    const source = new EventSource(this.url + query, { withCredentials: true });
    this.source = source;
    this.listen();
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId !== "") this.lastId = event.lastEventId;
        this.wait = FIRST_WAIT_MS;
        this.listen();
        this.tell(true);
        this.listener({ kind: "event", name, data: (event as MessageEvent<string>).data });
      });
    }
    source.onerror = () => this.again();
  }

  private listen(): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.again(), SILENCE_MS);
  }

  private again(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.watch);
    clearTimeout(this.timer);
    this.tell(false);
    // Two hundred pages must not come back in the same instant.
    this.timer = setTimeout(() => this.open(), this.wait * (0.5 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  private tell(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    this.listener({ kind: "line", up });
  }
}

/** Listen from a tab; returns how to stop. */
export function listen(url: string, listener: Listener): () => void {
  if (typeof SharedWorker === "undefined") {
    const line = new Line(url, listener);
    return () => line.close();
  }
  const worker = new SharedWorker(new URL("./stream-worker.ts", import.meta.url), { type: "module", name: `hydro ${url}` });
  worker.port.onmessage = ({ data }: MessageEvent<Heard>) => listener(data);
  worker.port.postMessage({ open: url });
  worker.port.start();
  const leave = (): void => worker.port.postMessage({ leave: true });
  addEventListener("pagehide", leave);
  return () => {
    removeEventListener("pagehide", leave);
    leave();
    worker.port.close();
  };
}
