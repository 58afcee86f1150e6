/** IMPORT.md: what was found and is not in the site, with its place and the reason. Pure. */
import type { HostName } from "../resource.ts";
import { type Left, sourceText } from "./found.ts";

export function reportText(left: readonly Left[]): string {
  const head = [
    "# What import left out",
    "",
    left.length === 0
      ? "Nothing: everything that was found is in the site."
      : "These things were found on the host and are not in the site. Phoenix leaves them as they are.",
  ];
  const hosts = [...new Set(left.map(({ source }) => source.host))];
  return `${[...head, ...hosts.flatMap((host) => section(host, left))].join("\n")}\n`;
}

function section(host: HostName, left: readonly Left[]): readonly string[] {
  const items = left.filter(({ source }) => source.host === host);
  return [
    "",
    `## ${host === "pve" ? "The hypervisor" : host}`,
    "",
    "| place | what | why |",
    "|---|---|---|",
    ...items.map(
      ({ source, what, reason }) => `| \`${cell(sourceText(source))}\` | ${cell(what)} | ${cell(reason)} |`,
    ),
  ];
}

/** Text that stays in its cell. */
function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}
