/**
 * Loopback ports that lead, through an ssh connection, to addresses which only the hypervisor can reach. The shared
 * connection forwards each address once, from a socket in our private directory: a connection through it is a channel, which
 * needs no process and no session. Nothing listens on the hypervisor, and foreign forwards stay as they are.
 */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { TransportError } from "../errors.ts";
import type { Endpoint } from "./network.ts";

export interface SshForward {
  /** Where to connect to reach `to`. What is UDP there is TCP here: a DNS server answers both. @throws TransportError */
  route(to: Endpoint): Promise<Endpoint>;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * @param directory a private one, with a short path
 * @param forward lets the shared connection lead from the socket at `path` to an address and port; @throws TransportError
 */
export function sshForward(
  directory: string,
  forward: (path: string, address: string, port: number) => Promise<void>,
): SshForward {
  const ports = new Map<string, Promise<number>>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  };

  const listen = async ({ address, port }: Endpoint, path: string): Promise<number> => {
    await forward(path, address, port);
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        const far = createConnection({ path, allowHalfOpen: true });
        keep(socket);
        keep(far);
        socket.pipe(far);
        far.pipe(socket);
        // When one end closes, so does the other; what was read before is still written.
        socket.on("error", () => far.destroy());
        far.on("error", () => socket.destroy());
        socket.on("close", () => far.destroy());
        far.on("close", () => socket.destroySoon());
      });
      servers.push(server);
      server.unref();
      server.on("error", (error) => reject(new TransportError(`${address}:${port}`, error.message)));
      server.listen(0, "127.0.0.1", () => {
        const own = server.address();
        if (own !== null && typeof own === "object") resolve(own.port);
      });
    });
  };

  return {
    route: async (to) => {
      const key = `${to.address}:${to.port}`;
      const port = ports.get(key) ?? listen(to, join(directory, `f${ports.size}`));
      ports.set(key, port);
      return { protocol: "tcp", address: "127.0.0.1", port: await port };
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
