/** What a plan says of Portainer's server: words for people, and its Compose file as a text. */
import { expect, test } from "vitest";
import { type Server, serverResource } from "../../src/components/portainer/compile.ts";
import type { Portainer } from "../../src/model.ts";
import { changeLines } from "../../src/render/text-changes.ts";
import { plainView } from "../../src/render/view.ts";

const portainer = {
  guest: { host: "vm/310" },
  compose: { file: "docker-compose.yml" },
} as unknown as Portainer;

const server = (definition: string, secret: string): Server => ({
  container: "portainer_server",
  image: "portainer/portainer-ce:2.39.0",
  definition,
  state: "running",
  secret,
  files: "as declared",
});

test("a change is told in words and lines, without fingerprints", () => {
  const live = serverResource(portainer, server("aaaa", "another"), "image: ce:1\n");
  const desired = serverResource(portainer, server("bbbb", "as generated"), "image: ce:2\n");
  const shown = changeLines({ verb: "update", live, desired }, plainView).join("\n");
  expect(shown).toMatch(/agent secret +another one -> set/);
  expect(shown).toContain("-image: ce:1");
  expect(shown).toContain("+image: ce:2");
  expect(shown).not.toMatch(/aaaa|bbbb|as generated/);
});
