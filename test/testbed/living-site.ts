/** The example site, with what people's sites have besides: an external network that nobody made, and an image of a private registry. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const example = join(import.meta.dirname, "../../examples/homelab");

/** A copy of the example, changed. @returns its directory, which is the caller's to remove */
export function livingSite(): string {
  const site = mkdtempSync(join(tmpdir(), "phoenix-living-"));
  cpSync(example, site, { recursive: true });
  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(join(site, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} of the example has no ${JSON.stringify(from)}`);
    writeFileSync(join(site, file), text.replace(from, to));
  };
  edit(
    "stacks/status/docker-compose.yml",
    "\nvolumes:\n",
    "\nnetworks:\n  default:\n    name: house\n    external: true\n\nvolumes:\n",
  );
  edit(
    "stacks/status/phoenix.json",
    '"production": {\n',
    '"production": {\n      "networks": { "default": "create" },\n',
  );
  edit(
    "stacks/queue/docker-compose.yml",
    "\nvolumes:\n",
    '\n  notes:\n    image: 127.0.0.1:5000/house/notes:1\n    restart: unless-stopped\n    command: ["sleep", "infinity"]\n\nvolumes:\n',
  );
  const registry = {
    name: "house",
    url: "127.0.0.1:5000",
    username: "house",
    password: "what-the-house-knows",
  };
  edit(
    "etc/phoenix_hypervisor_config.json",
    '"portainer_api": {\n',
    `"portainer_api": {\n    "registries": ${JSON.stringify([registry])},\n`,
  );
  return site;
}
