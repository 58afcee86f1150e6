/** Canaries in a site: `check` prints none of them, whatever is wrong with the line they stand on. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadSite } from "../../src/site/load.ts";
import { inDirectory, layOut } from "../site/tree.ts";
import { call } from "./edge.ts";

const compose = "stacks/wiki/docker-compose.yml";
const config = "etc/phoenix_hypervisor_config.json";

/** What `check` says of the base site after `spoil`. */
async function checked(
  spoil: (text: (file: string) => string, write: (file: string, text: string) => void) => void,
) {
  return inDirectory(async (directory) => {
    layOut(directory, "");
    spoil(
      (file) => readFileSync(join(directory, file), "utf8"),
      (file, text) => writeFileSync(join(directory, file), text),
    );
    const said = [
      await call(["check", "--site", directory]),
      await call(["check", "--site", directory, "--output", "json"]),
    ];
    return said.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  });
}

describe("in JSON that is broken on the canary's line", () => {
  test.each([
    '"admin_password": "CANARY of words" "x": 1',
    '"admin_password": CANARY of words, "x": 1',
    '"note": "postgres://u:CANARY@db/x" 1',
    '"JWT": "CANARY\n',
    '"hook": "https://discord.com/api/webhooks/123/CANARY" }}}',
    '"command": "redis-server --requirepass CANARY" :',
    "\"SMTP_PW\": 'CANARY'",
  ])("%s", async (line) => {
    const said = await checked((_, write) => write(config, `{\n  ${line}\n}\n`));
    expect(said).toContain("PHX0005");
    expect(said).not.toContain("CANARY");
  });
});

describe("in a Compose file with a fault on the canary's line", () => {
  test.each([
    "    environment: { DATABASE_URL: 'postgres://u:CANARY@db/x${' }",
    "    environment: { SMTP_PW: 'CANARY${' }",
    "    environment:\n      - MYSQL_PWD=CANARY ${x y}",
    "    command: redis-server --requirepass CANARY ${",
    "    labels: { a.basicauth.users: '${ admin:$$2y$$05$$CANARYCANARY' }",
    '    labels:\n      - "a.headers.customrequestheaders.Authorization=Basic CANARY ${"',
    "    environment:\n      PASSPHRASE: CANARY horse battery ${",
    "    environment:\n      PRIVATE_KEY: |\n        CANARY ${\n",
    "    environment:\n      GITHUB_PAT: CANARY: x\n     y",
  ])("%s", async (lines) => {
    const said = await checked((text, write) =>
      write(
        compose,
        text(compose).replace(/^ {4}image:.*$/m, (image) => `${image}\n${lines}`),
      ),
    );
    expect(said).toMatch(/PHX04\d\d/);
    expect(said).not.toContain("CANARY");
  });
});

test("what a field is decides, not where it is typed: its value is known as a secret", async () => {
  await inDirectory(async (directory) => {
    layOut(
      directory,
      '=== stacks/wiki/phoenix.json replace\n--- "traefik.enable=true",\n+++ "traefik.enable=true", ' +
        '"traefik.http.middlewares.a.basicauth.users=ops:$$2y$$05$$first.canary", ' +
        '"traefik.http.middlewares.b.headers.customrequestheaders.X-Api-Key=second ${TAG} canary",\n',
    );
    const path = join(directory, compose);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(
        /^ {4}image:.*$/m,
        (image) =>
          `${image}\n    labels:\n      - traefik.http.middlewares.c.digestauth.users=ops:r:third-canary\n` +
          "      - traefik.http.middlewares.d.headers.customrequestheaders.Cookie=fourth canary",
      ),
    );
    const { secrets } = await loadSite(directory);
    const values = secrets.map((secret) => secret.reveal()).join("\n");
    for (const canary of ["$$2y$$05$$first.canary", "second 1.4 canary", "third-canary", "fourth canary"])
      expect(values).toContain(canary);
  });
});
