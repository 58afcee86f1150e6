/** A request to the engine's HTTP API. */
import type { LabDocker } from "../docker.ts";
import { isYamlObject, type YamlObject } from "./compose-values.ts";
import { DockerError } from "./state.ts";

export interface EngineRequest {
  readonly method: string;
  /** "/v1.45/containers/json"; the version may be missing. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string | Buffer;
  /** Those that came with it, for an engine that looks at them. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EngineCall {
  readonly docker: LabDocker;
  readonly request: EngineRequest;
  /** What the path names. */
  readonly name: string;
}

/** The request's JSON object. @throws DockerError */
export function bodyOf({ body }: EngineRequest): YamlObject {
  try {
    const value: unknown = JSON.parse(body.length === 0 ? "{}" : String(body));
    if (isYamlObject(value)) return value;
  } catch {
    // Falls through to the engine's own words.
  }
  throw new DockerError(400, "invalid JSON: unexpected body");
}

export function texts(value: unknown): Readonly<Record<string, string>> {
  return isYamlObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]))
    : {};
}

export function isTrue(value: string | null): boolean {
  return value === "1" || value?.toLowerCase() === "true";
}
