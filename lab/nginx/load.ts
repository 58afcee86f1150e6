/** What the gateway's Nginx has loaded: a snapshot of configuration and certificates, taken at start and reload. */
import type { HostName } from "../../src/resource.ts";
import { answerFrom } from "../dns/server.ts";
import type { Lab } from "../parts.ts";
import { treeOf } from "../tree.ts";
import { isActive } from "../units.ts";
import { checkNginx } from "./check.ts";
import {
  httpBlock,
  type NginxDirective,
  NginxEmergency,
  type NginxSource,
  named,
  nginxSource,
  readNginx,
} from "./config.ts";

export interface LoadedNginx {
  /** The http block. */
  readonly http: readonly NginxDirective[];
  /** Texts of certificate and key files, by path. */
  readonly files: Readonly<Record<string, string>>;
}

export const mainFile = "/etc/nginx/nginx.conf";

export function loadedNginx(lab: Pick<Lab, "store">, host: HostName): LoadedNginx | undefined {
  return lab.store.read<LoadedNginx>(documentOf(host));
}

/** Loads what is on disk. @returns why Nginx does not take it; it goes on with what it had */
export async function loadNginx(lab: Lab, host: HostName): Promise<string | undefined> {
  const source = nginxSource(lab, host);
  const tested = testNginx(lab, source, mainFile);
  if (tested.emergency !== undefined) return `nginx: [emerg] ${tested.emergency}`;
  const http = httpBlock(tested.configuration);
  const paths = new Set(pathsOf(http));
  const files = Object.fromEntries([...paths].map((path) => [path, source.text(path) ?? ""]));
  lab.store.write(documentOf(host), { http, files } satisfies LoadedNginx);
  return undefined;
}

export interface NginxTest {
  readonly configuration: readonly NginxDirective[];
  readonly warnings: readonly string[];
  /** Present when Nginx refuses the configuration. */
  readonly emergency?: string;
}

export function testNginx(lab: Lab, source: NginxSource, main: string): NginxTest {
  try {
    const configuration = readNginx(source, main);
    const resolves = (name: string): boolean =>
      isActive(lab, "pve", "dnsmasq") && answerFrom(lab, "pve", name, "A").answers.length > 0;
    const warnings = checkNginx(configuration, { ...source, resolves });
    return { configuration, warnings };
  } catch (error) {
    if (!(error instanceof NginxEmergency)) throw error;
    return { configuration: [], warnings: [], emergency: error.message };
  }
}

/** What `nginx -t` writes to standard error, and its exit code. */
export function testOutput(
  { warnings, emergency }: NginxTest,
  main: string,
  quiet: boolean,
): { exitCode: number; stderr: string } {
  const lines = warnings.map((warning) => `nginx: [warn] ${warning}`);
  if (emergency !== undefined) {
    lines.push(`nginx: [emerg] ${emergency}`, `nginx: configuration file ${main} test failed`);
    return { exitCode: 1, stderr: `${lines.join("\n")}\n` };
  }
  if (!quiet) {
    lines.push(`nginx: the configuration file ${main} syntax is ok`);
    lines.push(`nginx: configuration file ${main} test is successful`);
  }
  return { exitCode: 0, stderr: lines.map((line) => `${line}\n`).join("") };
}

function pathsOf(directives: readonly NginxDirective[]): readonly string[] {
  return [
    ...["ssl_certificate", "ssl_certificate_key"].flatMap((name) =>
      named(directives, name).map(({ args }) => args[0] ?? ""),
    ),
    ...directives.flatMap(({ block }) => (block === undefined ? [] : pathsOf(block))),
  ];
}

function documentOf(host: HostName): string {
  return `loaded/nginx-${treeOf(host)}`;
}
