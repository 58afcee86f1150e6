/** IMPORT.md: what was found and is not in the site, with its place and the reason. Pure. */
import type { HostName } from "../resource.ts";
import { escapeUnseen } from "../unseen.ts";
import { type Left, type Opened, sourceText } from "./found.ts";

export function reportText(left: readonly Left[], opened: readonly Opened[] = []): string {
  const head = [
    "# What import left out",
    "",
    left.length === 0
      ? "Nothing: everything that was found is in the site."
      : "These things were found on the host and are not in the site. Phoenix leaves them as they are.",
  ];
  const hosts = [...new Set(left.map(({ source }) => source.host))].sort(byHost);
  const sections = hosts.flatMap((host) => section(host, left));
  return `${[...head, ...sections, ...openedSection(opened)].join("\n")}\n`;
}

function section(host: HostName, left: readonly Left[]): readonly string[] {
  const items = left.filter(({ source }) => source.host === host).sort(byPlace);
  return [
    "",
    `## ${host === "pve" ? "The hypervisor" : host}`,
    "",
    "| place | what | why |",
    "|---|---|---|",
    ...items.map(
      ({ source, what, reason }) => `| ${code(sourceText(source))} | ${code(what)} | ${cell(reason)} |`,
    ),
  ];
}

/** What a sync of the firewall would allow, and the host does not. */
function openedSection(opened: readonly Opened[]): readonly string[] {
  if (opened.length === 0) return [];
  return [
    "",
    "## What a sync opens",
    "",
    "The firewall does not allow these connections now. Phoenix needs them, and a sync of the firewall allows them.",
    "",
    "| place | connection | why |",
    "|---|---|---|",
    ...opened.map(
      ({ source, what, why }) => `| ${code(sourceText(source))} | ${code(what)} | ${cell(why)} |`,
    ),
  ];
}

/** The hypervisor, containers, virtual machines; guests by their ids. */
function byHost(one: HostName, other: HostName): number {
  const [[kind = "", id], [otherKind = "", otherId]] = [one.split("/"), other.split("/")];
  if (kind !== otherKind) return one === "pve" || (kind === "lxc" && other !== "pve") ? -1 : 1;
  return Number(id) - Number(otherId);
}

/** By file and line. */
function byPlace({ source: one }: Left, { source: other }: Left): number {
  if (one.path !== other.path) return one.path < other.path ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0);
}

/** Foreign text as code, which Markdown leaves as it is; the marks around it are longer than any that it holds. */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const [marks, space] = ["`".repeat(longest + 1), longest > 0 ? " " : ""];
  return `${marks}${space}${cell(text)}${space}${marks}`;
}

/** Text that stays in its cell, and shows what nobody would see. */
function cell(text: string): string {
  return escapeUnseen(text.replace(/\s+/g, " ")).replaceAll("|", "\\|");
}
