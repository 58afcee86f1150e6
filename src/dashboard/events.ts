/** Server-sent events: what changed goes to every page that is open. Bounded in pages, and in what a slow one may pile up. */
import type { ServerResponse } from "node:http";

export interface Events {
  /** Keeps a page informed until it closes; false when too many are open. */
  add(response: ServerResponse): boolean;
  /** @param data one line, JSON */
  send(event: string, data: string): void;
  /** How many pages are open. */
  readonly count: number;
  close(): void;
}

const mostPages = 64;
/** A page that does not read is closed; it connects again when it can. Bytes. */
const mostUnread = 1_000_000;
/** Keeps proxies and tunnels from closing a silent connection, and finds pages that are gone. Milliseconds. */
const heartbeatMs = 15_000;

export function openEvents(): Events {
  const pages = new Set<ServerResponse>();
  const write = (text: string): void => {
    for (const page of pages) {
      if (page.writableLength > mostUnread) page.destroy();
      else page.write(text);
    }
  };
  const heartbeat = setInterval(() => write(": still here\n\n"), heartbeatMs).unref();
  return {
    add: (response) => {
      if (pages.size >= mostPages) return false;
      pages.add(response);
      response.on("close", () => pages.delete(response));
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      response.write("retry: 2000\n\n");
      return true;
    },
    send: (event, data) => write(`event: ${event}\ndata: ${data}\n\n`),
    get count() {
      return pages.size;
    },
    close: () => {
      clearInterval(heartbeat);
      for (const page of pages) page.end();
    },
  };
}
