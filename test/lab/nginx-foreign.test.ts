/** A gateway guest that serves sites of somebody else: what is in our way is named with its own file, and edited with consent alone. */
import { describe, expect, test } from "vitest";
import { certificates } from "../../src/components/certificates/index.ts";
import { nginx } from "../../src/components/nginx/index.ts";
import { gatewayNames } from "../../src/fabric/services.ts";
import type { Site } from "../../src/model.ts";
import { newLab, opened, prepared, read } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const from = { file: "etc/certificate-manifest.json", line: 3, column: 5 };
const onDisk = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl/gateway.lab.test";
const site: Site = {
  ...labSite,
  certificates: [
    {
      ...{ commonName: "gateway.lab.test", certPath: `${onDisk}.crt`, keyPath: `${onDisk}.key` },
      ...{ owner: "root:www-data", mode: "640", serves: "gateway", from },
      names: ["gateway.lab.test", ...gatewayNames(labSite)].sort(),
    },
  ],
};
const certified = prepared(async () => {
  const lab = await newLab(site);
  await syncLab(lab, site, [certificates]);
  return lab;
});

async function foreignLab(files: Readonly<Record<string, string>>) {
  const directory = await certified();
  const guest = (await opened(directory)).host("lxc/101");
  await guest.writeFiles(Object.entries(files).map(([path, text]) => ({ path, text, mode: "644" })));
  const cat = (path: string) => guest.expect(read("cat", path));
  return { directory, guest, cat };
}

const sync = async (directory: string, allow: readonly string[] = []) =>
  (await syncLab(directory, site, [nginx], { allow })).components[0]!;
const hazards = async (directory: string) => (await planLab(directory, site, [nginx])).components[0]!.hazards;

const home = "/etc/nginx/sites-enabled/home";
const own = "/etc/nginx/conf.d/own.conf";

describe("a foreign site", () => {
  test.each<[string, string, string, number, string, string]>([
    [
      "with one of our names alone",
      home,
      "# mine\nserver {\n  listen 80;\n  server_name ollama.lab.test;\n  return 200 mine;\n}\n",
      2,
      'answers for "ollama.lab.test"',
      "# mine\n# taken over by phoenix: server {\n# taken over by phoenix:   listen 80;\n# taken over by phoenix:   server_name ollama.lab.test;\n# taken over by phoenix:   return 200 mine;\n# taken over by phoenix: }\n",
    ],
    [
      "with one of our names among its own",
      own,
      "server {\n  listen 80;\n  server_name mine.lan\n    OLLAMA.lab.test;\n  return 200 mine;\n}\n",
      1,
      'answers for "ollama.lab.test"',
      "server {\n  listen 80;\n  server_name mine.lan\n    ; # phoenix took over ollama.lab.test\n  return 200 mine;\n}\n",
    ],
    [
      "that is the default of our port",
      home,
      "server {\n  listen 80 default_server;\n  server_name mine.lan;\n  return 200 mine;\n}\n",
      2,
      "is the default of port 80",
      "server {\n  listen 80; # phoenix took over default_server\n  server_name mine.lan;\n  return 200 mine;\n}\n",
    ],
    [
      "that listens on one address",
      home,
      "server {\n  listen 10.0.0.153:80;\n  server_name mine.lan;\n  return 200 mine;\n}\n",
      2,
      "gets every connection to 10.0.0.153:80",
      "server {\n  listen 80; # phoenix took over 10.0.0.153:80\n  server_name mine.lan;\n  return 200 mine;\n}\n",
    ],
  ])("%s", async (_, path, text, line, says, after) => {
    const { directory, guest, cat } = await foreignLab({ [path]: text });
    expect(await hazards(directory)).toMatchObject([
      {
        consent: "adopt",
        message: expect.stringContaining(says),
        foreign: { host: "lxc/101", name: `${path}:${line}` },
      },
    ]);
    const before = await guest.list("/etc/nginx/sites-enabled");
    await expect(sync(directory)).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining(`${path}:${line}`),
    });
    expect([await cat(path), await guest.list("/etc/nginx/sites-enabled")]).toEqual([text, before]);

    expect(await sync(directory, ["adopt"])).toMatchObject({ outcome: "changed" });
    expect(await cat(path)).toBe(after);
    expect(await sync(directory)).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
  });

  test("behind a link is edited in its own place", async () => {
    const text = "server {\n  listen 80;\n  server_name ollama.lab.test;\n}\n";
    const real = "/etc/nginx/sites-available/home";
    const { directory, guest, cat } = await foreignLab({ [real]: text });
    await guest.expect({ argv: ["ln", "-s", "../sites-available/home", home], effect: "change" });
    expect(await sync(directory, ["adopt"])).toMatchObject({ outcome: "changed" });
    expect(await cat(real)).toContain("# taken over by phoenix: server {");
    expect(await guest.expect(read("readlink", home))).toBe("../sites-available/home\n");
  });

  test("that somebody wrote in the place of the distribution's is theirs", async () => {
    const text = "server {\n  listen 80 default_server;\n  server_name mine.lan;\n}\n";
    const { directory, guest, cat } = await foreignLab({});
    await guest.remove(["/etc/nginx/sites-enabled/default"]);
    await guest.writeFiles([{ path: "/etc/nginx/sites-enabled/default", text }]);
    await expect(sync(directory)).rejects.toThrow("/etc/nginx/sites-enabled/default:2");
    expect(await sync(directory, ["adopt"])).toMatchObject({ outcome: "changed" });
    expect(await cat("/etc/nginx/sites-enabled/default")).toContain("server_name mine.lan;");
    expect(await sync(directory)).toMatchObject({ outcome: "unchanged", changes: [] });
  });

  test.each([
    "server {\n  listen 8080;\n  server_name ollama.lab.test;\n}\n",
    "server {\n  listen 80;\n  server_name mine.lan *.lab.test;\n}\n",
    "server {\n  listen 127.0.0.1:80;\n  server_name localhost;\n}\n",
  ])("in nobody's way stays: %s", async (text) => {
    const { directory, cat } = await foreignLab({ [home]: text });
    expect(await hazards(directory)).toEqual([]);
    expect(await sync(directory)).toMatchObject({ outcome: "changed" });
    expect(await cat(home)).toBe(text);
  });

  test("is given back when the gateway cannot be proved", async () => {
    const text = "server {\n  listen 80 default_server;\n  server_name mine.lan;\n}\n";
    const { directory, guest, cat } = await foreignLab({ [home]: text });
    await guest.remove(["/etc/nginx/sites-enabled/default"]);
    const check = { resource: "nginx/gateway", claim: "x", status: "fail", observed: "y" } as const;
    const failing = { ...nginx, verify: async () => [check] };
    const result = await syncLab(directory, site, [failing], { allow: ["adopt"] });
    expect(result.components[0]).toMatchObject({ outcome: "rolled-back", unsettled: [] });
    expect(await cat(home)).toBe(text);
  });
});

test("what Nginx refuses is told with the file that it is in", async () => {
  const { directory } = await foreignLab({ [own]: "server {\n  listn 80;\n}\n" });
  const result = await sync(directory);
  expect(result).toMatchObject({ outcome: "failed", changes: [] });
  expect(result.reason).toContain(`unknown directive "listn" in ${own}:2`);
});
