/** The shared worker: one line to the service, told to every tab; a tab that comes later first hears what is so now. */

import { Line, type Heard } from "./stream";

const scope = self as unknown as { onconnect: ((event: MessageEvent) => void) | null };
const ports = new Set<MessagePort>();
let line: Line | null = null;
let hello: Heard | null = null;
let up: Heard | null = null;

function tell(heard: Heard): void {
  if (heard.kind === "line") up = heard;
  else if (heard.name === "hello") hello = heard;
  for (const port of ports) port.postMessage(heard);
}

scope.onconnect = (event) => {
  const port = event.ports[0]!;
  port.onmessage = ({ data }: MessageEvent<{ open?: string; leave?: boolean }>) => {
    if (data.leave) {
      ports.delete(port);
      if (ports.size === 0) {
        line?.close();
        line = hello = up = null;
      }
      return;
    }
    ports.add(port);
    if (line === null) line = new Line(data.open!, tell);
    else for (const known of [up, hello]) if (known !== null) port.postMessage(known);
  };
  port.start();
};
