/** Ports of the testbed's machines on this machine's loopback, though no network leads into the testbed. */
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { environment, folder, type Machine } from "./machines.ts";

export interface Relay {
  readonly port: number;
  close(): void;
}

/** Each connection becomes one inside the machine, to its own loopback. */
export function relay(machine: Machine, port: number): Promise<Relay> {
  const children = new Set<ChildProcess>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const child = spawn(join(folder, "shell"), [machine, "busybox", "nc", "127.0.0.1", `${port}`], {
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
    });
    children.add(child);
    child.once("close", () => {
      children.delete(child);
      socket.destroy();
    });
    socket.once("close", () => child.kill());
    for (const stream of [socket, child.stdin, child.stdout]) stream.on("error", () => socket.destroy());
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.close();
          for (const child of children) child.kill();
        },
      });
    });
  });
}
