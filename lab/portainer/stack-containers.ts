/** The containers of a compose project on an environment, as its engine lists them. */
import type { PortainerProcess } from "./call.ts";
import type { Endpoint } from "./database.ts";
import { UnreachableError } from "./exchange.ts";

/** Running or not. @throws UnreachableError also when the engine refuses */
export async function containersOf(
  { engines }: PortainerProcess,
  endpoint: Endpoint,
  project: string,
): Promise<readonly unknown[]> {
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
  const query = new URLSearchParams({ all: "1", filters });
  const { status, body = "[]" } = await engines.request(endpoint, {
    method: "GET",
    path: "/containers/json",
    query,
    body: "",
  });
  const found: unknown = status === 200 ? JSON.parse(String(body)) : undefined;
  if (Array.isArray(found)) return found;
  throw new UnreachableError(String(body));
}
