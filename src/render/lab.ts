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
  const machines = hosts.map(({ host, name, address = "" }) => [host, oneLine(name), address]);
  const active = faults.map(({ fault, target = "all", value = "" }) => [
    fault,
    oneLine(target),
    oneLine(value),
  ]);
  return [
    `lab   ${oneLine(directory)}`,
    `site  ${oneLine(site)}`,
    "",
    ...table([["host", "name", "address"], ...machines], [{}, {}, {}], view.width),
    "",
    ...(active.length === 0
      ? ["No fault is active."]
      : table([["fault", "target", "value"], ...active], [{ paint: view.paint.red }, {}, {}], view.width)),
  ];
}
