/** What somebody did in Portainer's pages: an administrator, environments and stacks, through its API. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../src/hosts/world.ts";
import { type RawAnswer, type RawRequest, rawHttp } from "../contract/raw-http.ts";

interface ByHand {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Fields of the form that adds an environment. */
  readonly environments: readonly Readonly<Record<string, string>>[];
  readonly stacks: readonly {
    readonly environment: string;
    readonly name: string;
    /** Beside the description. */
    readonly file: string;
    readonly env: readonly { readonly name: string; readonly value: string }[];
  }[];
}

/** Does in a lab's Portainer what `portainer.json` in a directory tells. */
export async function setUpPortainer(world: World, directory: string): Promise<void> {
  const text = (file: string): string => readFileSync(join(directory, file), "utf8");
  const byHand = JSON.parse(text("portainer.json")) as ByHand;
  const { hostname: address, port } = new URL(byHand.url);
  const at = await world.network.route({ protocol: "tcp", address, port: Number(port) });
  const http = rawHttp(`https://${at.address}:${at.port}`);
  const send = async (path: string, request: RawRequest): Promise<RawAnswer["body"]> => {
    const { status, text: said, body } = await http("POST", `/api${path}`, request);
    if (status !== 200) throw new Error(`POST ${path}: ${status} ${said}`);
    return body;
  };
  const body = { Username: byHand.user, Password: byHand.password };
  await send("/users/admin/init", { body });
  const headers = { authorization: `Bearer ${(await send("/auth", { body })).jwt}` };
  const ids = new Map<string | undefined, number>();
  for (const form of byHand.environments)
    ids.set(form.Name, (await send("/endpoints", { form, headers })).Id);
  for (const { environment, name: Name, file, env: Env } of byHand.stacks)
    await send(`/stacks/create/standalone/string?endpointId=${ids.get(environment)}`, {
      body: { Name, StackFileContent: text(file), Env },
      headers,
    });
}
