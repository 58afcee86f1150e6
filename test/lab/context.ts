/** A lab's surroundings over a temporary directory: for tests of its parts without the rest of it. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FaultName, LabContext, LabServer } from "../../lab/context.ts";
import { type LabFacts, writeFacts } from "../../lab/facts.ts";
import { createStore } from "../../lab/store.ts";
import { createTrees } from "../../lab/tree.ts";

export interface TestContext extends LabContext {
  /** Breaks something; `mend` puts it right. A fault without a target is everywhere. */
  breaks(name: FaultName, target?: string, value?: string): void;
  mend(): void;
  /** Lets `server` answer at an address of the site. */
  serve(address: string, port: number, server: LabServer): void;
  /** Lets the clock run ahead. */
  advance(ms: number): void;
  /** Ends all servers and removes the directory. */
  close(): Promise<void>;
}

/** A site with a CA (lxc/103), a Portainer server (vm/1001) and an agent (vm/1002), whose shares lie on the hypervisor. */
export const testFacts: LabFacts = {
  domain: "internal.example.net",
  address: "10.0.0.13",
  network: "10.0.0.0/24",
  bridge: "vmbr0",
  guests: [
    { host: "lxc/101", kind: "lxc", id: 101, name: "Gateway", address: "10.0.0.153" },
    { host: "lxc/102", kind: "lxc", id: 102, name: "Mesh", address: "10.0.0.12" },
    { host: "lxc/103", kind: "lxc", id: 103, name: "CA", address: "10.0.0.10" },
    { host: "vm/1001", kind: "vm", id: 1001, name: "Portainer", address: "10.0.0.111" },
    { host: "vm/1002", kind: "vm", id: 1002, name: "Apps", address: "10.0.0.102" },
  ],
  roles: { gateway: "lxc/101", mesh: "lxc/102", ca: "lxc/103" },
  caPort: 9000,
  portainer: { host: "vm/1001", port: 9443 },
  agents: [{ host: "vm/1002", port: 9001 }],
  services: [],
  mounts: [
    { host: "lxc/103", path: "/etc/step-ca/ssl", tree: "pve", source: "/tank/103/ssl" },
    { host: "vm/1001", path: "/persistent-storage", tree: "pve", source: "/tank/1001" },
    { host: "vm/1002", path: "/persistent-storage", tree: "pve", source: "/tank/1002" },
  ],
};

export interface TestContextOptions {
  readonly facts?: LabFacts;
  /** The clock's time at the start, in milliseconds since the epoch; absent: the real time. */
  readonly nowMs?: number;
}

export function testContext({ facts = testFacts, nowMs }: TestContextOptions = {}): TestContext {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-lab-"));
  const store = createStore(directory);
  const trees = createTrees(directory, facts.mounts);
  writeFacts(store, facts);
  for (const host of ["pve", ...facts.guests.map(({ host }) => host)] as const)
    mkdirSync(trees.root(host), { recursive: true });
  let faults: { name: FaultName; target: string | undefined; value: string }[] = [];
  const servers = new Map<string, LabServer>();
  let offset = nowMs === undefined ? 0 : nowMs - Date.now();
  return {
    directory,
    store,
    clock: {
      now: () => Date.now() + offset,
      // Waiting costs no time here: the clock goes on instead.
      sleep: async (ms) => {
        offset += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
    root: trees.root,
    path: trees.locate,
    fault: (name, target) =>
      faults.find((each) => each.name === name && (each.target === undefined || each.target === target))
        ?.value,
    route: async (_, to) => {
      const server = servers.get(`${to.address}:${to.port}`);
      // Port 1 of the loopback: nobody listens there.
      return { ...to, address: "127.0.0.1", port: server?.port ?? 1 };
    },
    breaks: (name, target, value = "") => faults.push({ name, target, value }),
    mend: () => {
      faults = [];
    },
    serve: (address, port, server) => servers.set(`${address}:${port}`, server),
    advance: (ms) => {
      offset += ms;
    },
    close: async () => {
      await Promise.all([...servers.values()].map((server) => server.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
