/** The containers that Compose made for a project, as the machine's own Docker lists them. */
import { isUnavailable } from "../../errors.ts";
import type { Command, Host } from "../../hosts/host.ts";

/** A container that Compose made for a service. */
export interface MadeContainer {
  readonly service: string;
  /** Docker's term: "running", "exited". */
  readonly state: string;
  /** Compose's fingerprint of the definition that it made the container from. */
  readonly definition: string;
}

const listProject = (project: string): Command => ({
  argv: [
    ...["docker", "ps", "--all", "--no-trunc", "--filter", `label=com.docker.compose.project=${project}`],
    "--format",
    ["service", "config-hash", "oneoff"]
      .map((name) => `{{.Label "com.docker.compose.${name}"}}`)
      .concat("{{.State}}")
      .join("\\t"),
  ],
  effect: "read",
});

/** The containers of a project's services; undefined where Docker does not answer. */
export async function madeContainers(
  host: Host,
  project: string,
): Promise<readonly MadeContainer[] | undefined> {
  try {
    const { exitCode, stdout } = await host.run(listProject(project));
    if (exitCode !== 0) return undefined;
    return stdout.split("\n").flatMap((line): MadeContainer[] => {
      const [service = "", definition = "", isOneOff, state] = line.split("\t");
      return state === undefined || isOneOff === "True" ? [] : [{ service, definition, state }];
    });
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return undefined;
  }
}
