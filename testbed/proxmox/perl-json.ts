/** JSON as Perl's to_json prints it. */

/** Pretty and canonical: keys sorted, three spaces, spaces around the colon, a final line feed. */
export function pretty(value: unknown): string {
  return `${render(value, "")}\n`;
}

/** Canonical in one line: keys sorted. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member) => (isMap(member) ? Object.fromEntries(sorted(member)) : member));
}

function render(value: unknown, indent: string): string {
  const deeper = `${indent}   `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((each) => deeper + render(each, deeper)).join(",\n")}\n${indent}]`;
  }
  if (!isMap(value)) return JSON.stringify(value);
  const members = sorted(value).map(
    ([key, member]) => `${deeper}${JSON.stringify(key)} : ${render(member, deeper)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
