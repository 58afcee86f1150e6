/** Interfaces of a guest that its firewall does not filter: those without firewall=1 in its configuration. Pure. */

export interface OpenInterface {
  /** "net0" */
  readonly name: string;
  readonly value: string;
}

/** @param config the guest's configuration; sections of snapshots come after the current one */
export function openInterfaces(config: string): readonly OpenInterface[] {
  const now = config.split(/^\[/m)[0] ?? "";
  return [...now.matchAll(/^(net\d+):\s*(\S+)\s*$/gm)].flatMap(([, name = "", value = ""]) => {
    if (/(?:^|,)firewall=1(?:,|$)/.test(value)) return [];
    return [{ name, value }];
  });
}

/** An interface's value with firewall=1. */
export function filtered(value: string): string {
  return `${value.replace(/(?:^|,)firewall=0(?=,|$)/, "")},firewall=1`;
}
