/**
 * Loopback ports that lead, through an ssh connection, to addresses which only the hypervisor can reach. Each connection
 * is one `ssh -W`, so nothing listens on the hypervisor and nobody else's forwards are touched.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import type { LimitFunction } from "p-limit";
import { TransportError } from "../errors.ts";
import { commandEnvironment } from "./local.ts";
import type { Endpoint } from "./network.ts";

export interface SshForward {
  /** Where to connect to reach `to`. What is UDP there is TCP here: a DNS server answers both. */
  route(to: Endpoint): Promise<Endpoint>;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * @param argvTo the ssh call that connects its standard input and output to an address and port
 * @param limit shared with the commands: a server allows ten sessions on one connection by default
 */
export function sshForward(
  argvTo: (address: string, port: number) => readonly string[],
  limit: LimitFunction,
): SshForward {
  const ports = new Map<string, Promise<number>>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  const serve = (socket: Socket, argv: readonly string[]): Promise<void> =>
    limit(() => {
      if (socket.destroyed) return Promise.resolve();
      const [program = "ssh", ...args] = argv;
      return tunnel(socket, spawn(program, args, { env: commandEnvironment() }));
    });

  const listen = ({ address, port }: Endpoint): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => socket.destroy());
        void serve(socket, argvTo(address, port));
      });
      servers.push(server);
      server.unref();
      server.on("error", (error) => reject(new TransportError(`${address}:${port}`, error.message)));
      server.listen(0, "127.0.0.1", () => {
        const own = server.address();
        if (own !== null && typeof own === "object") resolve(own.port);
      });
    });

  return {
    route: async (to) => {
      const key = `${to.address}:${to.port}`;
      const port = ports.get(key) ?? listen(to);
      ports.set(key, port);
      return { protocol: "tcp", address: "127.0.0.1", port: await port };
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** Resolves when the tunnel's process has ended. */
function tunnel(socket: Socket, child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    child.stderr.resume();
    child.stdin.on("error", () => {});
    socket.on("close", () => child.kill());
    child.on("error", () => {
      socket.destroy();
      resolve();
    });
    child.on("close", () => {
      socket.end();
      socket.destroySoon();
      resolve();
    });
  });
}
