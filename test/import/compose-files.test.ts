/** Compose files that Phoenix sent, turned into the declared ones: sent again, they are the same bytes. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { composeOf } from "../../src/components/portainer/compile.ts";
import { targetsOf } from "../../src/components/stacks/compile.ts";
import { declaredServerFile } from "../../src/import/stacks/server-file.ts";
import { type SentFile, sharedFile } from "../../src/import/stacks/shared-file.ts";
import type { Site } from "../../src/model.ts";
import { loadSite } from "../../src/site/load.ts";

let site: Site;
beforeAll(async () => {
  site = (await loadSite(join(import.meta.dirname, "../../examples/homelab"))).site!;
});

function sentOf(name: string): readonly SentFile[] {
  return targetsOf(site)
    .filter(({ stack }) => stack.name === name)
    .map(({ stack, prepared }) => ({
      text: prepared.text,
      project: stack.project,
      directory: `${stack.share.mountPoint}/stacks/${name}`,
      variables: new Map(stack.variables.map((each) => [each.name, each.value.reveal()])),
      files: new Map(
        stack.files.map(({ source, destination, content }) => [
          source.slice(`stacks/${name}/`.length),
          { destination, content: content.reveal() },
        ]),
      ),
    }));
}

describe("one Compose file for all environments", () => {
  test("has the labels that differ in each environment's settings", () => {
    const found = sharedFile(sentOf("homepage"));
    expect(found?.text).not.toContain("home.oak");
    expect(found?.labels.map((labels) => labels.get("web")?.map(({ key }) => key))).toEqual([
      expect.arrayContaining(["traefik.http.routers.home.rule"]),
      expect.arrayContaining(["traefik.http.routers.home-testing.rule"]),
    ]);
  });

  test("is the file as it was found where nothing differs", () => {
    const sent = sentOf("node_exporter");
    expect(sent).toHaveLength(2);
    expect(sharedFile(sent)).toEqual({ text: sent[0]!.text, labels: [new Map(), new Map()] });
  });

  test("is not made up where more than labels differ", () => {
    const [one, other] = sentOf("homepage");
    expect(
      sharedFile([one!, { ...other!, text: other!.text.replace("nginx:1.27", "nginx:1.28") }]),
    ).toBeUndefined();
  });
});

describe("the file of Portainer's server", () => {
  test("loses what Phoenix added, and gets it back", () => {
    const found = composeOf(site.portainer!);
    const text = "compose" in found ? found.compose.text : "";
    const declared = declaredServerFile(text, 9443);
    expect(declared?.text).not.toMatch(/phoenix/);
    expect(declared?.text).toContain("portainer_data_nfs:/data");
    expect(declared?.certPath).toBe(site.portainer!.certificate.inGuest.certPath);
  });

  test("is told from one that somebody else wrote", () => {
    expect(
      declaredServerFile("services:\n  p:\n    image: portainer/portainer-ce:2.39.0\n", 9443),
    ).toBeUndefined();
  });
});
