/** A lab on the screen: its machines and its active faults. */
import { table } from "./layout.ts";
import type { LabDocument } from "./output-schemas.ts";
import type { View } from "./view.ts";
import { oneLine } from "./words.ts";

export type LabFacts = Omit<LabDocument, "format">;

export function labDocument({ directory, site, created, faults, hosts }: LabFacts): LabDocument {
  return { format: "phoenix.lab/1", directory, site, created, faults, hosts };
}

export function labLines({ directory, site, faults, hosts }: LabFacts, view: View): readonly string[] {
  const isCluster = hosts.some(({ node }) => node !== undefined);
  const machines = hosts.map(({ host, name, address = "", node = "" }) => [
    host,
    oneLine(name),
    address,
    ...(isCluster ? [oneLine(node)] : []),
  ]);
  const head = ["host", "name", "address", ...(isCluster ? ["node"] : [])];
  const active = faults.map(({ fault, target = "all", value = "" }) => [
    fault,
    oneLine(target),
    oneLine(value),
  ]);
  return [
    `lab   ${oneLine(directory)}`,
    `site  ${oneLine(site)}`,
    "",
    ...table(
      [head, ...machines],
      head.map(() => ({})),
      view.width,
    ),
    "",
    ...(active.length === 0
      ? ["No fault is active."]
      : table([["fault", "target", "value"], ...active], [{ paint: view.paint.red }, {}, {}], view.width)),
  ];
}
