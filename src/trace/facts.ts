/**
 * What hops are judged by, each fact asked for once and at its own time: several hops share them. Nothing here waits longer than
 * its deadline, and nothing changes anything.
 */

import type { Io } from "../component.ts";
import type { FirewallFiles } from "../components/firewall/compile.ts";
import { installed, readDeciding } from "../components/firewall/installed.ts";
import { type OpenInterface, openInterfaces } from "../components/firewall/interfaces.ts";
import { type ProbeAnswer, probeFrom } from "../components/firewall/probe.ts";
import { InterruptedError, messageOf, PhoenixError } from "../errors.ts";
import { findRoot } from "../fabric/ca-files.ts";
import { configurationPath, guestOf } from "../fabric/guests.ts";
import { nodeOfGuest } from "../fabric/nodes.ts";
import { type Listener, listListeners, parseListeners } from "../formats/listeners/index.ts";
import type { InstalledFirewall } from "../formats/pve-firewall/installed.ts";
import { type UnitState, unitCommands, unitState } from "../formats/systemd/index.ts";
import type { Command } from "../hosts/host.ts";
import type {
  ConnectResult,
  DnsAnswer,
  HandshakeResult,
  HttpRequest,
  HttpResponse,
} from "../hosts/network.ts";
import type { Site } from "../model.ts";
import type { GuestName, HostName } from "../resource.ts";
import { type ContainerFacts, listContainers } from "./containers.ts";
import { type Resolution, resolve } from "./resolve.ts";

/** An answer, or why there is none. */
export type Answer<T> =
  | { readonly value: T }
  /** `late`: the trace itself had no time left for it, which tells nothing about what was asked. */
  | { readonly fault: string; readonly late?: true };

/** Milliseconds: for one probe, and for everything together. */
const probeMs = 2_500;
const commandMs = 3_500;
const traceMs = 4_000;

export interface LiveFirewall {
  readonly files: FirewallFiles;
  readonly installed: InstalledFirewall;
  /** Interfaces without firewall=1, by the guest's id. */
  readonly open: ReadonlyMap<number, readonly OpenInterface[]>;
}

export class Facts {
  readonly io: Io;
  readonly #until: number;
  readonly #known = new Map<string, Promise<unknown>>();

  /** @param now milliseconds on the clock that deadlines are measured by */
  constructor(io: Io, now: number = performance.now()) {
    this.io = io;
    this.#until = now + traceMs;
  }

  get site(): Site {
    return this.io.site;
  }

  /** Asks once; the second time gives the first answer. Ends when its time is up, whatever it waits for. */
  ask<T>(key: string, question: () => Promise<T>, forMs = commandMs): Promise<Answer<T>> {
    const known = this.#known.get(key) as Promise<Answer<T>> | undefined;
    if (known !== undefined) return known;
    const asked = this.#bounded(question, forMs);
    this.#known.set(key, asked);
    return asked;
  }

  async #bounded<T>(question: () => Promise<T>, forMs: number): Promise<Answer<T>> {
    const ms = Math.max(0, Math.min(forMs, this.#until - performance.now()));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Answer<T>>((done) => {
      const fault = `no answer within ${(ms / 1000).toFixed(1)} s`;
      timer = setTimeout(() => done(ms < forMs ? { fault, late: true } : { fault }), ms);
    });
    const answer = question().then(
      (value): Answer<T> => ({ value }),
      (error: unknown): Answer<T> => {
        if (error instanceof PhoenixError && !(error instanceof InterruptedError))
          return { fault: messageOf(error) };
        throw error;
      },
    );
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /** Runs a command; its exit code is a result. */
  run(
    host: HostName,
    command: Command,
  ): Promise<Answer<{ exitCode: number; stdout: string; stderr: string }>> {
    const timed = { ...command, timeoutMs: commandMs };
    return this.ask(`run ${host} ${command.argv.join(" ")}`, () => this.io.host(host).run(timed));
  }

  /** The text of a file; undefined when it is not there. */
  async text(host: HostName, path: string): Promise<string | undefined> {
    const read = await this.ask(`file ${host} ${path}`, () => this.io.host(host).readFiles([path]));
    return "value" in read ? read.value.get(path)?.text : undefined;
  }

  dns(name: string): Promise<Answer<DnsAnswer>> {
    const server = this.site.hypervisor.address;
    return this.ask(`dns ${name}`, () => this.io.network.query(server, name, "A"), probeMs);
  }

  /** How a machine resolves a name by itself. */
  resolution(host: HostName, name: string): Promise<Answer<Resolution>> {
    return this.ask(`resolve ${host} ${name}`, () => resolve(this.io.host(host), name));
  }

  connect(address: string, port: number): Promise<Answer<ConnectResult>> {
    const key = `connect ${address}:${port}`;
    return this.ask(key, () => this.io.network.connect(address, port, probeMs), probeMs + 200);
  }

  /** A connection from inside a guest; undefined when the guest cannot be asked. */
  async connectFrom(guest: GuestName, address: string, port: number): Promise<ProbeAnswer | undefined> {
    const end = `${address}:${port}`;
    const seen = await this.ask(`connect ${guest} ${end}`, () => probeFrom(this.io, guest, [end]));
    return "value" in seen ? seen.value?.[0] : undefined;
  }

  handshake(address: string, port: number, servername: string): Promise<Answer<HandshakeResult>> {
    return this.ask(`tls ${address}:${port} ${servername}`, async () => {
      const root = await this.root();
      const ca = "value" in root ? { ca: root.value } : {};
      return this.io.network.handshake(address, port, { servername, ...ca });
    });
  }

  request(url: string, options: Partial<HttpRequest> = {}): Promise<Answer<HttpResponse>> {
    const request = { method: "GET", url, effect: "read", timeoutMs: probeMs, ...options } as const;
    return this.ask(`request ${url} ${options.hostname ?? ""}`, () => this.io.network.request(request));
  }

  /** The site's root certificate, PEM. */
  root(): Promise<Answer<string>> {
    const places = this.site.ca?.rootFiles ?? [];
    return this.ask("root", async () => (await findRoot(places, this.io.host)).pem);
  }

  /** "running", "stopped", or what else Proxmox says; undefined when it does not say. */
  async guestState(host: HostName): Promise<string | undefined> {
    const guest = guestOf(this.site, host);
    if (guest === undefined) return host === "pve" ? "running" : undefined;
    const argv = [guest.kind === "lxc" ? "pct" : "qm", "status", String(guest.id)];
    const seen = await this.run(nodeOfGuest(this.site, guest.host).host, { argv, effect: "read" });
    if (!("value" in seen)) return undefined;
    const { exitCode, stdout, stderr } = seen.value;
    if (exitCode === 0) return /^status:\s*(\S+)/m.exec(stdout)?.[1];
    return /does not exist/.test(stderr) ? "absent" : undefined;
  }

  async unit(host: HostName, unit: string): Promise<UnitState | undefined> {
    const seen = await this.run(host, unitCommands(unit).show);
    return "value" in seen && seen.value.exitCode === 0 ? unitState(seen.value.stdout) : undefined;
  }

  async listeners(host: HostName): Promise<readonly Listener[] | undefined> {
    const seen = await this.run(host, listListeners);
    return "value" in seen && seen.value.exitCode === 0 ? parseListeners(seen.value.stdout) : undefined;
  }

  containers(host: HostName): Promise<Answer<readonly ContainerFacts[]>> {
    return this.ask(`containers ${host}`, () => listContainers(this.io.host(host)));
  }

  /** The firewall's files as they are installed; undefined where the site declares no firewall. */
  async firewall(): Promise<Answer<LiveFirewall> | undefined> {
    if (this.site.firewall === undefined) return undefined;
    return this.ask("firewall", async () => {
      const guests = this.site.guests.filter(({ template }) => !template);
      const [files, configurations] = await Promise.all([
        readDeciding(this.io),
        this.io.host("pve").readFiles(guests.map((guest) => configurationPath(guest, this.site.cluster))),
      ]);
      const open = new Map(
        guests.map((guest) => [
          guest.id,
          openInterfaces(configurations.get(configurationPath(guest, this.site.cluster))?.text ?? ""),
        ]),
      );
      const unfiltered = new Set(
        [...open].flatMap(([id, interfaces]) => (interfaces.length > 0 ? [id] : [])),
      );
      return { files, open, installed: { ...installed(this.io, files), unfiltered } };
    });
  }
}
