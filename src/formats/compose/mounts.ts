/** What a service mounts: its volumes, short forms and long, and the configs and secrets that it names. */
import type { ComposeFault, ComposeNode } from "./document.ts";

export interface ServiceMount {
  /** "bind", "volume", "tmpfs" …; "" for a long form without a type. */
  readonly type: string;
  /** A path or a volume's name; "" when there is none. */
  readonly source: string;
  /** The path in the container. */
  readonly target: string;
  readonly isReadOnly: boolean;
  /** The node whose text begins with the source. */
  readonly node: ComposeNode;
}

/** The items of `volumes`. */
export function mountsOf(service: ComposeNode): readonly ServiceMount[] {
  return service.get("volumes").items.map((item) => {
    const text = (key: string): string => item.get(key).text ?? "";
    if (item.isMapping) {
      const isReadOnly = text("read_only") === "true";
      const [type, source, target] = [text("type"), text("source"), text("target")];
      return { type, source, target, isReadOnly, node: item.get("source") };
    }
    const [first = "", target, options = ""] = (item.text ?? "").split(":");
    const isReadOnly = options.split(",").includes("ro");
    // One path alone is a volume without a name.
    if (target === undefined) return { type: "volume", source: "", target: first, isReadOnly, node: item };
    return { type: /^[./~]/.test(first) ? "bind" : "volume", source: first, target, isReadOnly, node: item };
  });
}

/** Items of `volumes` that Compose cannot read. */
export function mountFaults(service: ComposeNode): readonly ComposeFault[] {
  return service.get("volumes").items.flatMap((item): readonly ComposeFault[] => {
    if (item.isUnknown) return [];
    const { place } = item;
    if (item.isMapping) {
      const isBind = item.get("type").text === "bind";
      if ((item.get("target").text ?? "") === "") return [{ message: 'a mount must have "target"', place }];
      return isBind && (item.get("source").text ?? "") === ""
        ? [{ message: 'a bind must have "source"', place }]
        : [];
    }
    const parts = (item.text ?? "").split(":");
    if (item.text === undefined || (parts.length < 4 && !parts.includes(""))) return [];
    const message = `${JSON.stringify(item.text)} is not a valid volume`;
    return [{ message, place, hint: "SOURCE:TARGET or SOURCE:TARGET:ro" }];
  });
}

/** The items of a service's `configs` or `secrets`. */
export function grantsOf(
  service: ComposeNode,
  section: "configs" | "secrets",
): readonly { readonly source: string; readonly target: string; readonly node: ComposeNode }[] {
  return service.get(section).items.map((item) => {
    const source = (item.isMapping ? item.get("source").text : item.text) ?? "";
    return { source, target: item.get("target").text ?? `/run/secrets/${source}`, node: item };
  });
}
