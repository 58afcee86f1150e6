/** `phoenix init`: what it writes, what it asks, what it refuses. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../src/errors.ts";
import { call } from "../cli/edge.ts";
import { common, full, writtenSite } from "./site.ts";

const cases = join(import.meta.dirname, "../cases/init");
const temporary = mkdtempSync(join(tmpdir(), "phoenix-init-"));
afterAll(() => rmSync(temporary, { recursive: true }));

let made = 0;
const fresh = (): string => join(temporary, `site-${++made}`);

/** The files that people read, as one text, without comments: these are the words of the shapes. */
function textOf(root: string): string {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => !/^(?:\.schemas|\.vscode|secrets)/.test(path) && statSync(join(root, path)).isFile())
    .sort();
  const text = (path: string): string =>
    readFileSync(join(root, path), "utf8").replaceAll(/^\s*\/\/.*\n/gm, "");
  return files.map((path) => `=== ${path}\n${text(path)}`).join("");
}

describe("what init writes", () => {
  test.each([
    ["full", full],
    ["small", common],
  ])("%s is as the golden text says, and passes check", async (name, options) => {
    const root = await writtenSite(options);
    const golden = join(cases, `${name}.txt`);
    if (process.env.UPDATE === "1") writeFileSync(golden, textOf(root));
    expect(textOf(root)).toBe(readFileSync(golden, "utf8"));
    const { code, stdout } = await call(["check", "--site", root]);
    expect(`${code} ${stdout}`).toMatch(/^0 (?:off: .*\n)?0 errors, 0 warnings/);
  });

  test.each(["dns", "firewall", "ca", "dns,ca", "gateway", "firewall,gateway", "portainer"])(
    "%s alone passes check",
    async (parts) => {
      const { code, stdout } = await call([
        "check",
        "--site",
        await writtenSite([...common, "--parts", parts]),
      ]);
      expect(`${code} ${stdout}`).toMatch(/^0 (?:off: .*\n)?0 errors, 0 warnings/);
    },
  );

  test("explains each key where it stands first, and names those that do not stand there", async () => {
    const config = readFileSync(join(await writtenSite(full), "etc/phoenix_hypervisor_config.json"), "utf8");
    expect(config).toMatch(/\/\/ The site's domain.*\n\s*"domain_name"/);
    expect(config).toMatch(/\/\/ More keys of the network: gateway_address, portainer_server_port/);
    expect(config.match(/\/\/ Whether the firewall is on/g)).toHaveLength(1);
  });

  test("keeps the password to its owner, and makes a new one each time", async () => {
    const passwords = await Promise.all(
      [1, 2].map(async () => {
        const root = fresh();
        const { stdout, stderr } = await call(["init", root, ...full]);
        const path = join(root, "secrets/portainer_admin_password");
        expect(statSync(path).mode & 0o777).toBe(0o600);
        const password = readFileSync(path, "utf8").trim();
        expect(stdout + stderr).not.toContain(password);
        return password;
      }),
    );
    expect(new Set(passwords).size).toBe(2);
  });

  test("takes a role's guest by its name or by --role, and plans the ones that are missing", async () => {
    const root = fresh();
    const { stdout } = await call([
      ...["init", root, ...common, "--parts", "dns,firewall,gateway"],
      ...["--container", "105:Nginx-Proxy:192.168.1.5", "--container", "106:router:192.168.1.6"],
      ...["--role", "mesh=106"],
    ]);
    const lxc = readFileSync(join(root, "etc/phoenix_lxc_configs.json"), "utf8");
    expect(lxc.replaceAll(/\s+\/\/.*/g, "")).toMatch(/"Nginx-Proxy",\s+"fabric_role": "gateway"/);
    expect(lxc.replaceAll(/\s+\/\/.*/g, "")).toMatch(/"router",\s+"fabric_role": "mesh"/);
    expect(stdout).toContain("lxc/100  ca  192.168.1.3");
    expect(stdout).not.toContain("lxc/105");
  });
});

test("what it tells to run names a directory as a shell takes it", async () => {
  const root = `${fresh()} of ours`;
  const { stdout } = await call(["init", root, ...full]);
  expect(stdout).toContain(`phoenix check --site '${root}'\n`);
});

describe("what init refuses", () => {
  test("a directory that holds anything, which it names and leaves alone", async () => {
    const root = fresh();
    mkdirSync(root);
    writeFileSync(join(root, "thesis.tex"), "years of work");
    const { code, stderr } = await call(["init", root, ...full]);
    expect(code).toBe(exitCodes.error);
    expect(stderr).toContain("is not empty: it has thesis.tex; nothing was written");
    expect(readdirSync(root)).toEqual(["thesis.tex"]);
  });

  test("to run twice: nothing is added, and the way to refresh the schemas is told", async () => {
    const root = await writtenSite(full);
    const before = textOf(root);
    const { code, stderr } = await call(["init", root, ...full, "--container", "140:new:192.168.1.40"]);
    expect(code).toBe(exitCodes.error);
    expect(stderr).toContain(`phoenix schema --into ${root}/.schemas`);
    expect(textOf(root)).toBe(before);
  });

  test("no empty repository", async () => {
    const root = fresh();
    mkdirSync(join(root, ".git"), { recursive: true });
    writeFileSync(join(root, "LICENSE"), "MIT");
    writeFileSync(join(root, ".gitignore"), "/notes/\n");
    expect(await call(["init", root, ...full])).toMatchObject({ code: 0 });
    expect(existsSync(join(root, ".git"))).toBe(true);
    expect(readFileSync(join(root, ".gitignore"), "utf8")).toMatch(/^\/notes\/\n[\s\S]*^\/secrets\/$/m);
  });

  test("answers that contradict each other, before anything is written", async () => {
    const root = fresh();
    const twice = ["--container", "121:other:192.168.1.20"];
    const { code, stderr } = await call(["init", root, ...full, ...twice]);
    expect(code).toBe(exitCodes.error);
    expect(stderr).toContain("error[PHX0203]");
    expect(stderr).toContain("nothing was written");
    expect(existsSync(root)).toBe(false);
  });

  test("nothing that check only warns of, which it shows", async () => {
    const { code, stderr } = await call(["init", fresh(), ...common, "--domain", "house.local"]);
    expect(code).toBe(0);
    expect(stderr).toContain("warning[PHX0311]");
  });

  test.each([
    [[], "without a terminal, --domain and --address must be given"],
    [["--yes"], "without a terminal, --address must be given"],
    [["--domain", "home.arpa"], "without a terminal, --address must be given"],
    [[...full, "--domain", "bad domain"], '"bad domain" is not a valid domain'],
    [[...full, "--address", "192.168.1.2"], "192.168.1.2/24"],
    [[...full, "--parts", "dns,firewal"], "did you mean firewall?"],
    [[...common, "--parts", ""], "name at least one part"],
    [[...full, "--container", "media"], "ID:NAME:ADDRESS:PORT"],
    [[...full, "--container", "120:media:192.168.1.20:99999"], '"99999" is not a valid port'],
    [[...full, "--vm", "131:db:dhcp:5432"], "needs a fixed address"],
    [[...full, "--role", "mesh=999"], "no container has this id"],
    [
      [...full, "--container", "101:edge:192.168.1.101", "--role", "gateway=101", "--role", "mesh=101"],
      "a guest has one role",
    ],
    [[...full, "--role", "king=120"], "the roles are ca, gateway, mesh, portainer"],
    [[...full, "--storage", "tank"], "expected an absolute path"],
    [
      ["--domain", "oak.home.arpa", "--address", "192.168.1.2/30", "--parts", "dns,gateway,portainer"],
      "192.168.1.0/30 has no free address for the guest of the",
    ],
  ])("%j: a usage error", async (options, message) => {
    const root = fresh();
    const { code, stderr } = await call(["init", root, ...options]);
    expect(code).toBe(exitCodes.usage);
    expect(stderr).toContain(message);
    expect(existsSync(root)).toBe(false);
  });
});

describe("at a terminal", () => {
  /** Answers the questions one after the other; then the input ends. */
  const answering = (answers: readonly string[]) => {
    const rest = [...answers];
    return async () => rest.shift() as string;
  };

  test("it asks what was not said, again where an answer is not valid, and offers defaults", async () => {
    const root = fresh();
    const answers = ["", "192.168.1.2", "192.168.1.2/24", "dns,portainr", "dns,firewall,portainer"];
    const guests = ["media", "ct 120:media:192.168.1.20:8096", "vm 130:docker:192.168.1.30", ""];
    const { code, stderr } = await call(["init", root], {}, answering([...answers, ...guests]));
    expect(code).toBe(0);
    expect(stderr).toContain("Domain of your services [home.arpa]: ");
    expect(stderr).toContain("write it like 192.168.1.2/24");
    expect(stderr).toContain("did you mean portainer?");
    expect(stderr).toContain('"media" is not a guest');
    const said = ["--domain", "home.arpa", ...full.slice(2)];
    expect(textOf(root)).toBe(textOf(await writtenSite(said)));
  });

  test("it asks which guest has a role, where several could have it", async () => {
    const root = fresh();
    const two = ["--container", "105:nginx:192.168.1.5", "--container", "106:gateway:192.168.1.6"];
    const { code, stderr } = await call(["init", root, ...full, ...two], {}, answering(["107", "106"]));
    expect(code).toBe(0);
    expect(stderr).toContain("Id of the gateway: 105 (nginx), 106 (gateway) [105]: ");
    expect(stderr).toContain('"107" is not one of them');
    expect(textOf(root)).toMatch(/"name": "gateway",\s+"fabric_role": "gateway"/);
  });

  test("it asks nothing that was said, or with --yes", async () => {
    const never = async () => {
      throw new Error("a question was asked");
    };
    expect(await call(["init", fresh(), ...full], {}, never)).toMatchObject({ code: 0 });
    expect(await call(["init", fresh(), ...full.slice(2), "--yes"], {}, never)).toMatchObject({ code: 0 });
  });

  test("the end of the input ends it, and nothing is written", async () => {
    const root = fresh();
    const { code, stderr } = await call(["init", root], {}, answering([]));
    expect(code).toBe(exitCodes.interrupted);
    expect(stderr).toContain("nothing was written");
    expect(existsSync(root)).toBe(false);
  });
});
