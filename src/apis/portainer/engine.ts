/** Calls to the Docker engine of an environment, forwarded by Portainer and its agents. */
import type { HttpResponse } from "../../hosts/network.ts";
import type { PortainerCall, PortainerSession } from "./session.ts";

/** Removing a container, creating a volume. Milliseconds. */
export const changeMs = 60_000;

/** Paths are the engine's own: "/containers/json". */
export class EngineCalls {
  readonly #session: PortainerSession;

  constructor(session: PortainerSession) {
    this.#session = session;
  }

  /** @param accept statuses besides 2xx that the caller handles; @throws ApiError, TransportError */
  get(
    environmentId: number,
    path: string,
    purpose: string,
    accept: readonly number[] = [],
  ): Promise<HttpResponse> {
    return this.call(environmentId, { method: "GET", path, purpose, effect: "read", accept });
  }

  /** @throws ApiError, TransportError */
  call(environmentId: number, call: PortainerCall): Promise<HttpResponse> {
    const path = `/api/endpoints/${environmentId}/docker${call.path}`;
    return this.#session.call({ ...call, hint: engineHint, path });
  }
}

function engineHint({ status }: HttpResponse): string | undefined {
  if (status === 502)
    return "Portainer cannot reach the agent: check that its container runs on the virtual machine";
  if (status === 403) return "the agent is paired with another Portainer: restart its container";
  return undefined;
}

/** A log without a terminal is sent in frames: a stream's number, three zero bytes, and the length in four bytes. */
const frameHeader = 8;

/** The log's text. A length byte above 127 arrives as one replacement character, so every header keeps its eight places. */
export function withoutFrames(text: string): string {
  let plain = "";
  for (let at = 0; at < text.length; at += 1) {
    const header =
      text.charCodeAt(at) <= 2 && text.slice(at + 1, at + 4) === "\0\0\0" && at + frameHeader <= text.length;
    if (header) at += frameHeader - 1;
    else plain += text.charAt(at);
  }
  return plain;
}
