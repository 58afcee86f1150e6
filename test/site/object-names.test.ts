/** Names that every JavaScript object has are names like others, wherever a site or a Compose file can hold one. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocument, visit } from "yaml";
import { readCases } from "../../script/record/cases.mjs";
import { loadComponents } from "../../src/components/index.ts";
import { translateLabels } from "../../src/fabric/routes/index.ts";
import { readCompose } from "../../src/formats/compose/index.ts";
import { preparedCompose } from "../../src/formats/compose/prepare.ts";
import { loadSite } from "../../src/site/load.ts";
import { inDirectory, layOut } from "./tree.ts";

const names = fc.constantFrom("toString", "constructor", "__proto__", "hasOwnProperty", "valueOf");

const files = [
  "etc/phoenix_hypervisor_config.json",
  "etc/phoenix_lxc_configs.json",
  "etc/phoenix_vm_configs.json",
  "etc/certificate-manifest.json",
  "stacks/wiki/phoenix.json",
  "stacks/wiki/docker-compose.yml",
];

/** A text with the word at one place replaced: a key or a value. */
function replaced(text: string, at: number, name: string): string {
  const words = [...text.matchAll(/"[^"\n]+"|[\w.-]+(?=:)|(?<=[=:] ?)[\w.-]+/g)];
  const word = words[at % Math.max(1, words.length)];
  if (word === undefined) return text;
  const fresh = word[0].startsWith('"') ? JSON.stringify(name) : name;
  return text.slice(0, word.index) + fresh + text.slice(word.index + word[0].length);
}

test("in a site: it loads or has problems, and what loads compiles", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), fc.nat(400), names, (file, at, name) =>
      inDirectory(async (directory) => {
        layOut(directory, "");
        const path = join(directory, file);
        writeFileSync(path, replaced(readFileSync(path, "utf8"), at, name));
        const { site, problems } = await loadSite(directory);
        expect(site === undefined).toBe(problems.some(({ severity }) => severity === "error"));
        if (site !== undefined) for (const component of await loadComponents()) component.compile(site);
      }),
    ),
    { numRuns: 60 },
  );
}, 60_000);

const documents = readCases(
  join(import.meta.dirname, "../cases/recorded/compose/documents"),
  "docker-compose.yml",
)
  .map(({ files: { "docker-compose.yml": text = "" } }) => text)
  .filter((text) => readCompose(text, new Map()).compose !== undefined);

test("in a Compose file: it is read and prepared, and its services keep their names", () => {
  fc.assert(
    fc.property(fc.constantFrom(...documents), fc.nat(30), names, (text, at, name) => {
      const document = parseDocument(text);
      let scalars = 0;
      visit(document, {
        Scalar: (_, node) => {
          if (typeof node.value === "string" && scalars++ === at % 12) node.value = name;
        },
      });
      const spoilt = document.toString();
      const variables = new Map([[name, "value"]]);
      const { compose } = readCompose(spoilt, variables, "project");
      const files = new Map([[name, { content: `${name}=value`, destination: `/etc/${name}` }]]);
      const prepared = preparedCompose(spoilt, {
        project: "project",
        variables,
        labels: new Map([[name, [{ key: name, value: name }]]]),
        directory: "/srv",
        files,
      });
      const again = readCompose(prepared.text, variables, "project").compose;
      expect(again?.services.map((service) => service.name)).toEqual(
        compose?.services.map((service) => service.name),
      );
    }),
    { numRuns: 300 },
  );
});

test("in Traefik's labels: no object gets a member from them", () => {
  fc.assert(
    fc.property(names, names, fc.nat(3), (one, other, shape) => {
      const path = [
        `http.middlewares.${one}.headers.customrequestheaders.${other}`,
        `http.middlewares.m.plugin.${one}.${other}.deep`,
        `http.routers.${one}.rule`,
        `http.services.${one}.loadbalancer.server.port`,
      ][shape];
      const labels = [
        { key: "traefik.enable", value: "true", from: { file: "f", line: 1, column: 1 } },
        { key: `traefik.${path}`, value: "spoilt", from: { file: "f", line: 2, column: 1 } },
      ];
      translateLabels([{ stack: one, service: other, labels, ports: [], address: "192.0.2.1" }]);
      expect([...Object.keys(Object.prototype), ...Object.keys(Object)]).toEqual([]);
      expect(Object.values({} as object)).toEqual([]);
      expect(({} as Record<string, unknown>).deep).toBeUndefined();
    }),
  );
});
