/** What a sync wrote, judged by the programs that will read it: dnsmasq, Nginx, a YAML parser, Docker Compose. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { HostName } from "../../../src/resource.ts";
import { syncedLab } from "./labs.ts";
import { scenarios, siteOf } from "./sites.ts";

const treeName = (host: HostName): string => host.replace("/", "-");
const has = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0;
const compose = has("docker", "compose", "version")
  ? ["docker", "compose"]
  : has("docker-compose", "version")
    ? ["docker-compose"]
    : undefined;

/** Runs a program; its exit code and everything that it said. */
function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", ...options });
  return { status, said: `${stdout}${stderr}` };
}

/** Every regular file below a directory, links resolved. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe.each(scenarios())("$name", async (scenario) => {
  const site = await siteOf(scenario);
  const lab = await syncedLab(scenario);
  const tree = (host: HostName): string => join(lab, "hosts", treeName(host));

  test.skipIf(!has("dnsmasq", "--version"))("dnsmasq accepts its configuration", () => {
    const pve = tree("pve");
    const files = filesIn(join(pve, "etc/dnsmasq.d")).filter((path) => /\/phoenix[^/]*\.conf$/.test(path));
    expect(files.map((path) => path.slice(pve.length))).toContain("/etc/dnsmasq.d/phoenix.conf");
    const all = join(lab, "all.conf");
    const texts = files.map((path) => readFileSync(path, "utf8"));
    writeFileSync(all, texts.join("").replaceAll("/etc/phoenix/", `${pve}/etc/phoenix/`));
    expect(run("dnsmasq", ["--test", `--conf-file=${all}`])).toEqual({
      status: 0,
      said: "dnsmasq: syntax check OK.\n",
    });
  });

  test.skipIf(!has("nginx", "-v"))("Nginx accepts the gateway's configuration without a warning", () => {
    const gateway = tree(site.roles.gateway.host);
    const copy = join(lab, "nginx");
    cpSync(join(gateway, "etc/nginx"), copy, { recursive: true, verbatimSymlinks: true });
    // The site is enabled by an absolute link, which leads out of the tree; certificates lie behind a mount.
    const enabled = join(copy, "sites-enabled");
    for (const name of readdirSync(enabled)) {
      rmSync(join(enabled, name));
      copyFileSync(join(copy, "sites-available", name), join(enabled, name));
    }
    rmSync(join(copy, "ssl"), { recursive: true });
    cpSync(realpathSync(join(gateway, "etc/nginx/ssl")), join(copy, "ssl"), { recursive: true });
    for (const path of filesIn(copy)) {
      if (/\.(crt|key|pem)$/.test(path)) continue;
      const text = readFileSync(path, "utf8");
      writeFileSync(
        path,
        text
          .replaceAll("/etc/nginx/", `${copy}/`)
          .replaceAll("/var/log/nginx/", `${copy}/`)
          .replaceAll("/run/nginx.pid", `${copy}/nginx.pid`),
      );
    }
    const { status, said } = run("nginx", ["-t", "-q", "-p", copy, "-c", join(copy, "nginx.conf")]);
    expect(said).toBe("");
    expect(status).toBe(0);
  });

  test("the mesh's configuration is one YAML document whose references lead somewhere", () => {
    const text = readFileSync(
      join(tree(site.roles.mesh.host), "etc/traefik/dynamic/dynamic_conf.yml"),
      "utf8",
    );
    const { http } = parse(text) as {
      http: {
        routers: Record<string, { service: string; middlewares?: readonly string[] }>;
        services: Record<string, unknown>;
        middlewares?: Record<string, unknown>;
      };
    };
    const routers = Object.values(http.routers);
    expect(routers.length).toBeGreaterThanOrEqual(
      site.services.filter(({ path }) => path === "routed").length,
    );
    const known = new Set(Object.keys(http.services));
    expect(
      routers.map(({ service }) => service).filter((name) => !name.endsWith("@internal") && !known.has(name)),
    ).toEqual([]);
    const middlewares = routers.flatMap((router) => router.middlewares ?? []);
    expect(middlewares.filter((name) => http.middlewares?.[name] === undefined)).toEqual([]);
  });

  test.skipIf(compose === undefined)("Docker Compose accepts every prepared file", () => {
    const [program = "", ...words] = compose ?? [];
    const shares = site.stacks.map(({ name, guest, share, variables }) => ({
      name,
      directory: join(tree(guest.host), share.mountPoint),
      variables: Object.fromEntries(variables.map((variable) => [variable.name, variable.value.reveal()])),
    }));
    expect(shares.length).toBeGreaterThan(0);
    for (const { name, directory, variables } of shares) {
      const file = filesIn(join(realpathSync(directory), "stacks", name)).find((path) =>
        path.endsWith("docker-compose.yml"),
      );
      expect(file, name).toBeDefined();
      // Compose 1, which Debian 12 has, does not know an interval for the start: it gets the file without it, by standard input.
      const text = readFileSync(file ?? "", "utf8").replace(/^ *start_interval:.*\n/gm, "");
      const { status, said } = run(program, [...words, "-f", "-", "config", "-q"], {
        env: { ...process.env, ...variables },
        cwd: dirname(file ?? ""),
        input: text,
      });
      expect(said, name).toBe("");
      expect(status, name).toBe(0);
    }
  });
});
