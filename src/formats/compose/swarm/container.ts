/** What a service asks of its containers, as far as it can be compared exactly with what Swarm keeps. Pure. */
import type { ComposeNode } from "../document.ts";
import { mountsOf } from "../mounts.ts";

/** A member is undefined where the file writes it in a way that only Docker's own reader can tell. */
export interface DeclaredContainer {
  /** `entrypoint`. */
  readonly command: readonly string[] | undefined;
  /** `command`. */
  readonly args: readonly string[] | undefined;
  readonly user: string;
  /** The paths that are mounted, without configs and secrets. */
  readonly targets: readonly string[] | undefined;
  readonly constraints: readonly string[];
  /** 0 for no limit. */
  readonly nanoCpus: number | undefined;
  readonly memoryBytes: number | undefined;
}

export function containerOf(service: ComposeNode): DeclaredContainer {
  const deploy = service.get("deploy");
  const limits = deploy.get("resources").get("limits");
  const mounts = mountsOf(service);
  // Docker (26.1) takes "d:/d" for a path of Windows.
  const isPlain = mounts.every(({ source, target }) => target.startsWith("/") && !/^[A-Za-z]$/.test(source));
  return {
    command: wordsOf(service.get("entrypoint")),
    args: wordsOf(service.get("command")),
    user: service.get("user").text ?? "",
    targets: isPlain ? mounts.map(({ target }) => cleaned(target)).sort() : undefined,
    constraints: deploy
      .get("placement")
      .get("constraints")
      .items.map(({ text = "" }) => text.trim())
      .sort(),
    nanoCpus: nanoCpusOf(limits.get("cpus").text),
    memoryBytes: bytesOf(limits.get("memory").text),
  };
}

/** "/data/" is "/data". */
export function cleaned(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

/** A list as it is; a line where each of its words stands for itself, without quotes. */
function wordsOf(node: ComposeNode): readonly string[] | undefined {
  if (node.isList) return node.items.map(({ text = "" }) => text);
  const line = (node.text ?? "").trim();
  if (!/^[\w@%+=:,./ -]*$/.test(line)) return undefined;
  return line === "" ? [] : line.split(/ +/);
}

function nanoCpusOf(text = "0"): number | undefined {
  return /^\d+(?:\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1e9) : undefined;
}

const binary: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Docker's units.RAMInBytes for whole numbers: "512M", "1g", "64KiB". */
function bytesOf(text = "0"): number | undefined {
  const [, number, unit = ""] = /^(\d+)([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (binary[unit.toLowerCase()] ?? 1);
}
