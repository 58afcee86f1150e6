/** Loopback listeners that end with everything that hangs on them. */
import type { Server, Socket } from "node:net";
import type { LabServer } from "./context.ts";

export interface ListenOn {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Binds a server, to a free loopback port unless it is told another. @param end ends its connections */
export async function listening(
  server: Server,
  end: () => void,
  { host, port }: ListenOn = { host: "127.0.0.1", port: 0 },
): Promise<LabServer> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listener without a port");
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        end();
      }),
  };
}

/** Keeps a server's open connections; the returned function ends them all. */
export function closedSockets(server: Server): () => void {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  return () => {
    for (const socket of open) socket.destroy();
  };
}
