/** What a version of Portainer does its own way. Pure. */

export interface Features {
  readonly version: string;
  /** Deployments run behind the answer (since between 2.40 and 2.44). */
  readonly async: boolean;
  /** Docker's own 201 passes the proxy, a dead agent is 502 with JSON, and a new API key is 200 (2.40). */
  readonly ownStatus: boolean;
  /** The first administrator needs a token from the log (2.43). */
  readonly setupToken: boolean;
  /** Images are pulled and every container is recreated on request; `Prune` counts for compose (2.36). */
  readonly repull: boolean;
}

/** What "latest" stands for: the version that the lab's behaviour was compared with. */
const defaultVersion = "2.23.0";

/** By the image's tag: "portainer/portainer-ce:2.45.0-alpine". */
export function featuresOf(image: string): Features {
  const [, version = defaultVersion] = /:(\d+\.\d+(?:\.\d+)?)[^/]*$/.exec(image) ?? [];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const since = (wanted: number): boolean => major > 2 || (major === 2 && minor >= wanted);
  return { version, async: since(40), ownStatus: since(40), setupToken: since(43), repull: since(36) };
}
