/** What runs of a stack on an environment, as its engine lists it. */
import type { PortainerProcess } from "./call.ts";
import type { Endpoint, Stack } from "./database.ts";
import { isOfSwarm } from "./deploy.ts";
import { UnreachableError } from "./exchange.ts";

/**
 * Whether the engine has containers of that project, running or not, or for a Swarm's stack services of that namespace.
 * @throws UnreachableError also when the engine refuses
 */
export async function isDeployed(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Pick<Stack, "Name" | "Type">,
): Promise<boolean> {
  const containers = await listed(
    process,
    endpoint,
    "/containers/json",
    "com.docker.compose.project",
    stack.Name,
  );
  if (containers.length > 0) return true;
  if (!isOfSwarm(stack)) return false;
  const services = await listed(process, endpoint, "/services", "com.docker.stack.namespace", stack.Name);
  return services.length > 0;
}

async function listed(
  { engines }: PortainerProcess,
  endpoint: Endpoint,
  path: string,
  label: string,
  value: string,
): Promise<readonly unknown[]> {
  const filters = JSON.stringify({ label: [`${label}=${value}`] });
  const query = new URLSearchParams({ all: "1", filters });
  const { status, body = "[]" } = await engines.request(endpoint, { method: "GET", path, query, body: "" });
  const found: unknown = status === 200 ? JSON.parse(String(body)) : undefined;
  if (Array.isArray(found)) return found;
  throw new UnreachableError(String(body));
}
