/** What `docker ps` tells of a machine's containers: who they are, and which ports of the machine they hold. */
import type { Command } from "../../hosts/host.ts";

export interface MachineContainer {
  readonly name: string;
  readonly image: string;
  /** Docker's term: "running", "exited", "restarting". */
  readonly state: string;
  /** Of the Compose project that created it; "" for any other container. */
  readonly project: string;
  /** The directory of that project's Compose file, where whoever ran Compose sees it; "" for any other container. */
  readonly directory: string;
  /** Volumes by name and directories of the machine by path. */
  readonly mounts: readonly string[];
  /** The value of the asked label; "" without it. */
  readonly label: string;
  /** Ports of the machine; none unless it runs. */
  readonly ports: readonly HeldPort[];
}

export interface HeldPort {
  /** "0.0.0.0" is every address. */
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

/** Lists the containers, running or not, one a line. @param label a label whose value is wanted too */
export function listContainers(label: string): Command {
  const columns = [
    ...["{{.Names}}", "{{.Image}}", "{{.State}}", '{{.Label "com.docker.compose.project"}}', "{{.Ports}}"],
    '{{.Label "com.docker.compose.project.working_dir"}}',
    "{{.Mounts}}",
    `{{.Label "${label}"}}`,
  ];
  return { argv: ["docker", "ps", "--all", "--no-trunc", "--format", columns.join("\\t")], effect: "read" };
}

export function parseContainers(text: string): readonly MachineContainer[] {
  return text.split("\n").flatMap((line): MachineContainer[] => {
    const [name = "", image, state = "", project = "", ports = "", directory = "", mounts = "", label = ""] =
      line.split("\t");
    if (image === undefined) return [];
    const sources = mounts.split(",").filter((source) => source !== "");
    return [{ name, image, state, project, ports: parsePorts(ports), directory, mounts: sources, label }];
  });
}

/** "0.0.0.0:8000-8001->80-81/tcp, [::]:9443->9443/tcp, 6379/tcp": the last one is not published. */
export function parsePorts(text: string): readonly HeldPort[] {
  return text.split(", ").flatMap((one): HeldPort[] => {
    const [, address = "", first, last, protocol = ""] =
      /^(.*):(\d+)(?:-(\d+))?->[\d-]+\/(\w+)$/.exec(one.trim()) ?? [];
    if (first === undefined) return [];
    const from = Number(first);
    const length = Number(last ?? first) - from + 1;
    const every = ["0.0.0.0", "::", "[::]", ""].includes(address);
    return Array.from({ length }, (_, at) => ({
      address: every ? "0.0.0.0" : address,
      port: from + at,
      protocol,
    }));
  });
}
