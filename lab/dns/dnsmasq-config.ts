/** What dnsmasq makes of its configuration files (2.90, measured): which it reads, what it refuses, what it keeps. */
import { isIPv4, isIPv6 } from "node:net";
import type { HostName } from "../../src/resource.ts";
import { listenersOn } from "../listeners.ts";
import type { Lab } from "../parts.ts";
import { treeOf } from "../tree.ts";
import { dnsmasqFlags, dnsmasqOptions } from "./dnsmasq-options.ts";

export interface DnsmasqOption {
  readonly name: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface DnsmasqProblem {
  /** 1 for a bad configuration, 3 for a file that is not there. */
  readonly exitCode: number;
  readonly says: string;
}

export interface ConfigurationSources {
  /** "-" is standard input. */
  readonly files: readonly string[];
  /** Directories, each with endings that are passed over: "/etc/dnsmasq.d,.dpkg-dist". */
  readonly directories: readonly string[];
  readonly stdin?: string;
  /** Names of files in the directories that do not count. */
  readonly passedOver?: readonly string[];
}

interface Read {
  readonly options: readonly DnsmasqOption[];
  readonly problem?: DnsmasqProblem;
}

/** As Debian's unit starts it. */
export const installedDnsmasq: ConfigurationSources = {
  files: ["/etc/dnsmasq.conf"],
  directories: ["/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new"],
};

/** Debian's unit takes its directory from /etc/default/dnsmasq, where that file names one. */
export function installedOn({ files }: Lab, host: HostName): ConfigurationSources {
  const defaults = files.status(host, "/etc/default/dnsmasq")?.kind === "file";
  const text = defaults ? files.text(host, "/etc/default/dnsmasq") : "";
  const named = /^CONFIG_DIR=["']?([^"'\n]*)/m.exec(text ?? "")?.[1];
  return named === undefined ? installedDnsmasq : { ...installedDnsmasq, directories: [named] };
}

/** What dnsmasq finds only when it starts; `--test` says "syntax check OK" to all of it (2.90). */
function startProblem(lab: Lab, host: HostName, options: readonly DnsmasqOption[]): string | undefined {
  const values = (name: string): readonly string[] =>
    options.filter((option) => option.name === name).flatMap(({ value }) => value.split(","));
  const has = (name: string): boolean => options.some((option) => option.name === name);
  if (has("bind-interfaces") && has("bind-dynamic")) return "cannot set --bind-interfaces and --bind-dynamic";
  if (has("auth-zone") && !has("auth-server")) return "--auth-server required when an auth zone is defined.";
  const port = Number(values("port")[0] ?? 53);
  const addresses = values("listen-address");
  const bound =
    addresses.length === 0 || !(has("bind-dynamic") || has("bind-interfaces")) ? ["0.0.0.0"] : addresses;
  const taken = listenersOn(lab, host).filter((other) => other.program !== "dnsmasq" && other.port === port);
  for (const address of bound)
    for (const other of taken)
      if (other.address === address || other.address === "0.0.0.0" || address === "0.0.0.0")
        return `failed to create listening socket for ${address === "0.0.0.0" ? `port ${port}` : address}: Address already in use`;
  return undefined;
}

/** The document that holds what dnsmasq loaded at its last start. */
function loadedDocument(host: HostName): string {
  return host === "pve" ? "loaded/dnsmasq" : `loaded/dnsmasq-${treeOf(host)}`;
}

export function loadedDnsmasq(lab: Pick<Lab, "store">, host: HostName): readonly DnsmasqOption[] {
  return lab.store.read<readonly DnsmasqOption[]>(loadedDocument(host)) ?? [];
}

/** Loads the installed configuration. @returns why it cannot start */
export async function startDnsmasq(lab: Lab, host: HostName): Promise<string | undefined> {
  const read = readConfiguration(lab, host, installedOn(lab, host));
  const problem = read.problem ?? checkConfiguration(read.options);
  if (problem !== undefined) return `dnsmasq: ${problem.says}`;
  const unstartable = startProblem(lab, host, read.options);
  if (unstartable !== undefined) return `dnsmasq: ${unstartable}`;
  lab.store.write(loadedDocument(host), read.options);
  return undefined;
}

export function readConfiguration(lab: Lab, host: HostName, sources: ConfigurationSources): Read {
  const options: DnsmasqOption[] = [];
  const seen = new Set<string>();
  const readFile = (file: string): DnsmasqProblem | undefined => {
    // The same file twice, by a conf-dir of its own and by Debian's, is read once.
    if (seen.has(file)) return undefined;
    seen.add(file);
    const text = file === "-" ? sources.stdin : lab.files.text(host, file);
    if (text === undefined) return { exitCode: 3, says: `cannot read ${file}: No such file or directory` };
    const name = file === "-" ? "stdin" : file;
    for (const [at, raw] of text.split("\n").entries()) {
      const option = optionOf(raw, name, at + 1);
      if (option === undefined) continue;
      if ("says" in option) return option;
      options.push(option);
      const problem = include(option);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  const readDirectory = (spec: string): DnsmasqProblem | undefined => {
    const [directory = "", ...patterns] = spec.split(",");
    if (lab.files.status(host, directory)?.kind !== "directory")
      return { exitCode: 3, says: `cannot access directory ${directory}: No such file or directory` };
    const wanted = patterns.filter((pattern) => pattern.startsWith("*")).map((pattern) => pattern.slice(1));
    const unwanted = patterns.filter((pattern) => !pattern.startsWith("*"));
    for (const name of lab.files.list(host, directory)) {
      if (isPassedOver(name) || sources.passedOver?.includes(name) === true) continue;
      if (unwanted.some((ending) => name.endsWith(ending))) continue;
      if (wanted.length > 0 && !wanted.some((ending) => name.endsWith(ending))) continue;
      if (lab.files.status(host, `${directory}/${name}`)?.kind !== "file") continue;
      const problem = readFile(`${directory}/${name}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  const include = ({ name, value }: DnsmasqOption): DnsmasqProblem | undefined => {
    if (name === "conf-file") return readFile(value);
    return name === "conf-dir" ? readDirectory(value) : undefined;
  };
  for (const file of sources.files) {
    const problem = readFile(file);
    if (problem !== undefined) return { options, problem };
  }
  for (const directory of sources.directories) {
    const problem = readDirectory(directory);
    if (problem !== undefined) return { options, problem };
  }
  return { options };
}

/** Names that dnsmasq passes over in conf-dir and hostsdir: hidden ones and editors' left-overs. */
export function isPassedOver(name: string): boolean {
  return name.startsWith(".") || name.endsWith("~") || (name.startsWith("#") && name.endsWith("#"));
}

function optionOf(raw: string, file: string, line: number): DnsmasqOption | DnsmasqProblem | undefined {
  const at = `at line ${line} of ${file}`;
  const text = raw.replace(/(^|\s)#.*$/, "").trim();
  if (text === "") return undefined;
  if ((text.match(/"/g)?.length ?? 0) % 2 === 1) return { exitCode: 1, says: `missing " ${at}` };
  const equals = text.indexOf("=");
  const name = (equals < 0 ? text : text.slice(0, equals)).trim();
  const value = equals < 0 ? undefined : text.slice(equals + 1).trim();
  if (!dnsmasqOptions.has(name)) return { exitCode: 1, says: `bad option ${at}` };
  if (value !== undefined && dnsmasqFlags.has(name))
    return { exitCode: 1, says: `extraneous parameter ${at}` };
  if (value === undefined && !dnsmasqFlags.has(name) && !optionalValue.has(name))
    return { exitCode: 1, says: `missing parameter ${at}` };
  return { name, value: value ?? "", file, line };
}

/** Options that stand with or without a value. */
const optionalValue = new Set([
  "log-queries",
  "stop-dns-rebind",
  "dnssec-check-unsigned",
  "enable-dbus",
  "log-async",
  "use-stale-cache",
  "umbrella",
]);

/** Options that may stand once only (each tried twice on 2.90). */
const single = new Set(
  `add-cpe-id auth-ttl cache-size dhcp-lease-max dhcp-leasefile dhcp-reply-delay dhcp-script dhcp-scriptuser dhcp-ttl
  dns-forward-max dnssec-timestamp dumpfile dumpmask edns-packet-max enable-dbus fast-dns-retry group local-service
  local-ttl log-async log-facility max-cache-ttl max-port max-tcp-connections max-ttl min-cache-ttl min-port mx-target
  neg-ttl pid-file port port-limit query-port servers-file tftp-max tftp-mtu use-stale-cache user`.split(
    /\s+/,
  ),
);

const numbers = new Set([
  "cache-size",
  "local-ttl",
  "neg-ttl",
  "max-ttl",
  "dns-forward-max",
  "min-port",
  "edns-packet-max",
]);

/** What `--test` finds besides syntax. */
export function checkConfiguration(options: readonly DnsmasqOption[]): DnsmasqProblem | undefined {
  const once = new Set<string>();
  for (const { name, value, file, line } of options) {
    const at = `at line ${line} of ${file}`;
    const bad = (says: string): DnsmasqProblem => ({ exitCode: 1, says: `${says} ${at}` });
    if (single.has(name) && once.has(name)) return bad("illegal repeated keyword");
    once.add(name);
    if (numbers.has(name) && !/^-?\d+$/.test(value)) return bad("error");
    if (name === "port" && !(/^\d+$/.test(value) && Number(value) <= 65535)) return bad("error");
    if (name === "address" && !isAddressOption(value)) return bad("Bad address in --address");
    if (name === "host-record" && !value.includes(",")) return bad("Bad host-record");
    if (name === "listen-address" && !value.split(",").every(isAddress)) return bad("error");
    if (name === "server" || name === "local") {
      const problem = serverProblem(value);
      if (problem !== undefined) return bad(problem);
    }
  }
  return undefined;
}

function isAddressOption(value: string): boolean {
  const parts = value.split("/");
  const address = parts.at(-1) ?? "";
  return (
    value.startsWith("/") && parts.length >= 3 && (address === "" || address === "#" || isAddress(address))
  );
}

function serverProblem(value: string): string | undefined {
  const address = value.startsWith("/") ? (value.split("/").at(-1) ?? "") : value;
  const [ip = "", port] = (address.split("@", 1)[0] ?? "").split("#");
  if (port !== undefined && port !== "" && !(Number(port) > 0 && Number(port) <= 65535)) return "bad port";
  return ip === "" || isAddress(ip) ? undefined : "Name or service not known";
}

function isAddress(text: string): boolean {
  return isIPv4(text.trim()) || isIPv6(text.trim());
}
