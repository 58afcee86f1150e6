/** A stack as Portainer's API shows it, and how one is found. */
import { type Call, notFound, type PortainerProcess } from "./call.ts";
import type { Stack, Variable } from "./database.ts";

/** @param control a creation and GET show who owns it, changes do not */
export function stackJson(
  { control: owners, ...stack }: Stack,
  control: boolean,
): Readonly<Record<string, unknown>> {
  return {
    ...stack,
    SwarmId: stack.SwarmId ?? "",
    ResourceControl:
      control && owners !== null
        ? {
            Id: stack.Id,
            ResourceId: `${stack.EndpointId}_${stack.Name}`,
            Type: 6,
            SubResourceIds: [],
            ...{ AdministratorsOnly: true, Public: false, UserAccesses: [], TeamAccesses: [] },
            System: false,
            ...owners,
          }
        : null,
    AdditionalFiles: null,
    AutoUpdate: null,
    Option: stack.Option ?? null,
    GitConfig: stack.GitConfig ?? null,
    FromAppTemplate: false,
    Namespace: "",
  };
}

/** @throws Problem 404 */
export function stackNamed({ process }: Pick<Call, "process">, id: number): Stack {
  const found = process.database.read().stacks.find(({ Id }) => Id === id);
  if (found !== undefined) return found;
  throw notFound("Unable to find a stack with the specified identifier inside the database", "stacks", id);
}

export function replaceStack({ database }: PortainerProcess, changed: Stack): void {
  database.write({ stacks: database.read().stacks.map((each) => (each.Id === changed.Id ? changed : each)) });
}

/** [{"name": …, "value": …}]; null when nothing was sent. */
export function variablesOf(value: unknown): readonly Variable[] | null {
  if (!Array.isArray(value)) return null;
  return value.map((each: unknown) => {
    const { name, value: text } = (
      typeof each === "object" && each !== null ? each : {}
    ) as Partial<Variable>;
    return { name: String(name ?? ""), value: String(text ?? "") };
  });
}

/** Portainer's own rule for names of compose projects. */
export function normalized(name: string): string {
  return name.toLowerCase().replace(/[^-_a-z0-9]+/g, "");
}
