/** Traefik's static configuration, as far as it tells where routes come from. Pure. */
import { listOf, member, membersOf } from "../../formats/json/index.ts";

export interface StaticConfiguration {
  /** Ports of the entry points by name. */
  readonly entryPoints: Readonly<Record<string, number>>;
  /** "file", "docker". */
  readonly providers: readonly string[];
  /** Of the file provider. */
  readonly directory?: string;
  readonly filename?: string;
  /** Entry points that a router without any is on; all but "traefik" when none is marked. */
  readonly defaultEntryPoints: readonly string[];
  /** Whether a docker provider serves containers without the label traefik.enable. */
  readonly exposedByDefault: boolean;
  /** Names of certificate resolvers (ACME). */
  readonly resolvers: readonly string[];
}

/**
 * @param root the file's value
 * @param argv the process's arguments; Traefik (3.x) uses them only when it has no file, but people mix both up
 */
export function staticConfiguration(root: unknown, argv: readonly string[]): StaticConfiguration {
  const flags = flagsOf(argv);
  const points = { ...membersOf(member(root, "entryPoints")), ...membersOf(flags.entrypoints) };
  const providers = { ...membersOf(flags.providers), ...membersOf(member(root, "providers")) };
  const file = membersOf(providers.file);
  const docker = membersOf(providers.docker);
  const marked = Object.entries(points).filter(([, point]) => member(point, "asDefault") === true);
  const text = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
  return {
    entryPoints: Object.fromEntries(
      Object.entries(points).flatMap(([name, point]) => {
        const [, port] = /:(\d+)(?:\/(?:tcp|udp))?$/.exec(String(member(point, "address") ?? "")) ?? [];
        return port === undefined ? [] : [[name, Number(port)] as const];
      }),
    ),
    providers: Object.keys(providers),
    ...(text(file.directory) === undefined ? {} : { directory: text(file.directory) as string }),
    ...(text(file.filename) === undefined ? {} : { filename: text(file.filename) as string }),
    defaultEntryPoints: (marked.length > 0 ? marked : Object.entries(points))
      .map(([name]) => name)
      .filter((name) => name !== "traefik"),
    exposedByDefault: String(docker.exposedByDefault ?? docker.exposedbydefault ?? "true") !== "false",
    resolvers: Object.keys(membersOf(member(root, "certificatesResolvers"))),
  };
}

/** `--providers.docker.exposedbydefault=false` as nested members, names in lower case. */
function flagsOf(argv: readonly string[]): Readonly<Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  for (const word of argv) {
    const [, path, value = "true"] = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (path === undefined) continue;
    const names = path.split(".");
    let at = root;
    for (const name of names.slice(0, -1)) {
      const lower = name.toLowerCase();
      const next =
        typeof at[lower] === "object" && at[lower] !== null ? (at[lower] as Record<string, unknown>) : {};
      at[lower] = next;
      at = next;
    }
    const last = names.at(-1)?.toLowerCase() ?? "";
    if (typeof at[last] !== "object") at[last] = value;
  }
  return root;
}

/** The names in a list, or in one text with commas. */
export function namesIn(value: unknown): readonly string[] {
  if (typeof value === "string")
    return value
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
  return listOf(value);
}
