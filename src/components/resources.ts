/** Resources that several components have: a systemd service, and a file with the CA's root. */
import type { UnitState } from "../formats/systemd/index.ts";
import { canonicalJson, type HostName, type Resource, type ResourceId } from "../resource.ts";

/** A systemd service. Only the properties that `state` has are managed. */
export function serviceResource(id: ResourceId, host: HostName, state: Partial<UnitState>): Resource {
  const names = { installed: "installed", active: "running", enabled: "starts at boot" } as const;
  const units = Object.entries(state).map(([key, yes]) => [
    names[key as keyof UnitState],
    yes ? "yes" : "no",
  ]);
  return { id, host, text: canonicalJson(state), units: Object.fromEntries(units) };
}

/**
 * The CA's root in a file. Which root it is can be seen on the CA only, so the declared state is "trusted": the root that
 * the CA has is the one in place.
 * @param certificate the PEM text in place when it is another one, so that it can be restored. It is public
 */
export function rootResource(id: ResourceId, host: HostName, state: string, certificate?: string): Resource {
  return { id, host, text: canonicalJson({ state, certificate }), units: { "the CA's root": state } };
}

/** The certificate that `rootResource` was given. */
export function certificateIn({ text }: Resource): string | undefined {
  return (JSON.parse(text) as { certificate?: string }).certificate;
}

/** "1 name", "3 names": what a resource is, in a list. */
export function countWords(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
