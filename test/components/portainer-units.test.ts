/** What a plan says of Portainer's server: words for people, and its Compose file as a text. */
import { expect, test } from "vitest";
import { composeOf, type Server, serverResource } from "../../src/components/portainer/compile.ts";
import type { Portainer } from "../../src/model.ts";
import { changeLines } from "../../src/render/text-changes.ts";
import { plainView } from "../../src/render/view.ts";

/** Its Compose file with a version of the image. */
const withImage = (image: string): Portainer =>
  ({
    guest: { host: "vm/310" },
    compose: {
      file: "docker-compose.yml",
      text: `# The server.\nservices:\n  portainer:\n    image: ${image}\n    restart: always\n`,
    },
    certificate: { inGuest: { certPath: "/certs/a.crt", keyPath: "/certs/a.key" } },
    adminUser: "admin",
    port: 9443,
  }) as unknown as Portainer;

const portainer = withImage("portainer/portainer-ce:2.40.0");

/** As Phoenix writes it. */
function preparedText(one: Portainer): string {
  const found = composeOf(one);
  return "fault" in found ? found.fault : found.compose.text;
}

const server = (definition: string, secret: string): Server => ({
  container: "portainer_server",
  image: "portainer/portainer-ce:2.39.0",
  definition,
  state: "running",
  secret,
  files: "as declared",
});

test("a change is told in words and in the lines that a person wrote, without fingerprints", () => {
  const before = preparedText(withImage("portainer/portainer-ce:2.39.0"));
  const live = serverResource(portainer, server("aaaa", "another"), before);
  const desired = serverResource(portainer, server("bbbb", "as generated"), preparedText(portainer));
  const shown = changeLines({ verb: "update", live, desired }, plainView).join("\n");
  expect(shown).toMatch(/agent secret +another one -> set/);
  expect(shown).toContain("-    image: portainer/portainer-ce:2.39.0");
  expect(shown).toContain("+    image: portainer/portainer-ce:2.40.0");
  expect(shown).toContain("Phoenix adds: the certificate");
  expect(before).toContain("phoenix.definition");
  expect(shown).not.toMatch(/aaaa|bbbb|as generated|phoenix\.definition|sslcert/);
});
