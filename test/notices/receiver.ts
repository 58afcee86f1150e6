/** A real HTTP server on loopback that keeps what it is sent. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  /** "http://127.0.0.1:PORT". */
  readonly url: string;
  readonly received: readonly Received[];
  /** The statuses of the next answers; 200 when there are none left. "hang": no answer ever. */
  answer(...statuses: readonly (number | "hang")[]): void;
  close(): Promise<void>;
}

/** @param headers of every answer */
export async function openReceiver(headers: Readonly<Record<string, string>> = {}): Promise<Receiver> {
  const received: Received[] = [];
  const statuses: (number | "hang")[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const status = statuses.shift() ?? 200;
    received.push({ path: request.url ?? "", headers: request.headers, body });
    if (status !== "hang") response.writeHead(status, headers).end("no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (...next) => statuses.push(...next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
