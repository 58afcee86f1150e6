/** Who renews certificates by himself: units and cron tables that run `step ca renew` (cli 0.30), on every machine. */
import { splitWords } from "../../formats/shell/hook.ts";
import type { HostName } from "../../resource.ts";
import type { FoundRenewal } from "../found/web.ts";
import type { FoundGuest, ReadIo, Source } from "../found.ts";
import { entriesOn, filesOn } from "./files.ts";

const tables = ["/etc/crontab", "/var/spool/cron/crontabs/root"];
const directories = ["/etc/cron.d", "/etc/systemd/system"];

export async function readRenewals(
  io: ReadIo,
  guests: readonly FoundGuest[],
): Promise<readonly FoundRenewal[]> {
  const hosts: readonly HostName[] = [
    "pve",
    ...guests.filter(({ isRunning }) => isRunning).map(({ host }) => host),
  ];
  return (await Promise.all(hosts.map((host) => renewalsOn(io, host)))).flat();
}

async function renewalsOn(io: ReadIo, host: HostName): Promise<readonly FoundRenewal[]> {
  const entries = (await Promise.all(directories.map((directory) => entriesOn(io, host, directory)))).flat();
  const units = entries.filter((path) => path.startsWith("/etc/cron.d/") || path.endsWith(".service"));
  const files = await filesOn(io, host, [...tables, ...units]);
  return [...files].flatMap(([path, { text }]) => renewalsIn({ host, path }, text));
}

/** The renewals in a unit or a cron table. */
export function renewalsIn({ host, path }: Source, text: string): readonly FoundRenewal[] {
  const isUnit = path.endsWith(".service");
  const settings = isUnit ? settingsOf(text) : [];
  const variables = new Map(
    settings.flatMap(([key, value]) => {
      const [, name, given] = /^"?(\w+)=([^"]*)"?$/.exec(value) ?? [];
      return key === "Environment" && name !== undefined ? [[name, given ?? ""] as const] : [];
    }),
  );
  const afterwards = settings
    .filter(([key]) => key === "ExecStartPost")
    .map(([, value]) => value.replace(/^[-@:+!]+/, ""));
  return text.split("\n").flatMap((line, at): readonly FoundRenewal[] => {
    const [, words = ""] = /^(?!\s*#).*?\bstep(?:-cli)?\s+ca\s+renew\s+(.*)$/.exec(line) ?? [];
    if (words === "") return [];
    const filled = words.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => variables.get(name) ?? whole);
    const { certPath, command } = renewCommand(splitWords(filled).words);
    if (certPath === undefined) return [];
    const [after = command] = afterwards;
    return [
      {
        host,
        certPath,
        ...(after === undefined ? {} : { command: after }),
        source: { host, path, line: at + 1 },
      },
    ];
  });
}

function settingsOf(text: string): readonly (readonly [key: string, value: string])[] {
  return text.split("\n").flatMap((line) => {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line.trim()) ?? [];
    return key === undefined ? [] : [[key, value ?? ""] as const];
  });
}

/** Options that stand without a value. */
const flags = /^(?:-f|--force|--daemon|--mtls(?:=.*)?|--offline|--.*=.*)$/;

/** The certificate's path and `--exec` of a renewal. */
function renewCommand(words: readonly string[]): { readonly certPath?: string; readonly command?: string } {
  const operands: string[] = [];
  let command: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const [, given] = /^--exec=(.*)$/s.exec(word) ?? [];
    if (given !== undefined) command = given;
    else if (word === "--exec") command = words[++at];
    else if (flags.test(word)) continue;
    else if (word.startsWith("-")) at += 1;
    else operands.push(word);
  }
  const [certPath] = operands;
  return {
    ...(certPath?.startsWith("/") ? { certPath } : {}),
    ...(command === undefined ? {} : { command }),
  };
}
