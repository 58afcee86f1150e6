/** What must be so in the virtual machines that run Docker, and what else is there. */
import { targetsOf } from "../components/stacks/compile.ts";
import { serverProject } from "../fabric/portainer-server.ts";
import { readCompose } from "../formats/compose/index.ts";
import { registryHost } from "../formats/docker/registries.ts";
import { unitCommands } from "../formats/systemd/index.ts";
import { isOlder, versionIn, versionText } from "../formats/version/index.ts";
import type { CommandResult, Host } from "../hosts/host.ts";
import type { Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import {
  asked,
  type Finding,
  guestGates,
  installing,
  type Prerequisite,
  prerequisite,
} from "./prerequisite.ts";
import { judgeUnit } from "./services.ts";

/** The machines whose Docker Phoenix works with. */
export function dockerMachines({ portainer, stacks }: Site): readonly HostName[] {
  const environments = portainer?.environments ?? [];
  const guests = [
    ...(portainer === undefined ? [] : [portainer.guest]),
    ...environments.map(({ guest }) => guest),
    ...stacks.map(({ guest }) => guest),
  ];
  return [...new Set(guests.map(({ host }) => host))];
}

/** Portainer 2.39 speaks API 1.41 and newer with its engines. */
const oldestEngine = [20, 10] as const;
const oldestCompose = [2, 0] as const;

/** @param version of `docker version --format {{.Server.Version}}`, which fails while the daemon does not run */
export function judgeEngine(version: CommandResult): readonly Finding[] {
  if (version.exitCode === 127)
    return [
      {
        message: "Docker is not installed",
        fix: { argv: installing("docker.io", "docker-cli", "docker-compose") },
      },
    ];
  const found = version.exitCode === 0 ? versionIn(version.stdout) : undefined;
  if (found === undefined || !isOlder(found, oldestEngine)) return [];
  const message = `Docker is ${versionText(found)}, and Phoenix needs ${versionText(oldestEngine)} or newer`;
  return [{ message, hint: "upgrade it: docs.docker.com/engine/install/debian" }];
}

export interface ComposeAnswer {
  readonly version: CommandResult;
  /** Of `dpkg-query -W docker-ce docker.io`: a package that is not installed has no version behind its name. */
  readonly packages: string;
  /** Of /etc/os-release: "debian 13". */
  readonly system: string;
}

/** Compose is a package of its own, and another one for each origin of the engine. */
export function judgeCompose(
  { version, packages, system }: ComposeAnswer,
  isServer: boolean,
): readonly Finding[] {
  const found = version.exitCode === 0 ? versionIn(version.stdout) : undefined;
  if (found !== undefined && !isOlder(found, oldestCompose)) return [];
  const missing =
    found === undefined
      ? "Docker has no Compose plugin (`docker compose`)"
      : `Docker Compose is ${versionText(found)}, and Phoenix needs ${versionText(oldestCompose)} or newer`;
  const message = isServer ? missing : `${missing}: files of stacks are not checked before they are deployed`;
  const warning = isServer ? {} : { isWarning: true as const };
  const isFromDocker = /^docker-ce\t\S/m.test(packages);
  const [id = "", release = "0"] = system.split(" ");
  const name = isFromDocker
    ? "docker-compose-plugin"
    : id === "ubuntu"
      ? "docker-compose-v2"
      : "docker-compose";
  // Debian 12's own package is Compose 1, which has no plugin.
  if (!isFromDocker && id === "debian" && Number(release) < 13)
    return [
      {
        message,
        ...warning,
        hint: "Debian 12 has no Compose 2: install Docker from docs.docker.com/engine/install/debian",
      },
    ];
  return [{ message, ...warning, fix: { argv: installing(name) } }];
}

/** "debian 13" of /etc/os-release. */
export function systemOf(release: string): string {
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(release)?.[1] ?? "";
  return `${value("ID")} ${value("VERSION_ID")}`;
}

/** The images that a machine is to run, as the site names them; one with a variable in its name is left out. */
export function imagesOf(site: Site, machine: HostName): readonly string[] {
  const { portainer } = site;
  const agents = (portainer?.environments ?? []).filter(
    ({ guest, kind }) => guest.host === machine && kind === "agent",
  );
  const server =
    portainer?.guest.host === machine
      ? readCompose(portainer.compose.text, new Map(), serverProject)
      : undefined;
  const services = [
    ...(server?.compose?.services ?? []),
    ...targetsOf(site)
      .filter(({ stack }) => stack.guest.host === machine)
      .flatMap((target) => target.services),
  ];
  const images = [
    ...(portainer === undefined || agents.length === 0 ? [] : [portainer.agentImage]),
    ...services.flatMap(({ image }) => image ?? []),
  ];
  return [...new Set(images.filter((image) => image !== "" && !image.includes("$")))];
}

/** What a registry answered: an HTTP status where it could be reached, else curl's own words. */
export interface RegistryAnswer {
  readonly registry: string;
  readonly missing: readonly string[];
  readonly curl: CommandResult;
}

/** @param answers of the registries that images which are not there yet come from */
export function judgeRegistries(answers: readonly RegistryAnswer[]): readonly Finding[] {
  const unreachable = answers.filter(({ curl }) => curl.exitCode !== 0 && curl.exitCode !== 127);
  const unresolved = unreachable.filter(({ curl }) => curl.exitCode === 6);
  // Without names nothing can be reached: one cause.
  if (unresolved.length > 0 && unresolved.length === unreachable.length) {
    const names = unresolved.map(({ registry }) => registry).join(", ");
    return [
      {
        message: `names of image registries cannot be resolved: ${names}`,
        hint: "see /etc/resolv.conf and the name server that it names",
      },
    ];
  }
  return unreachable.map(({ registry, missing, curl }) => {
    const reason = curl.stderr.trim().replace(/^curl: \(\d+\) /, "") || `curl ended with ${curl.exitCode}`;
    return {
      message: `registry ${registry} cannot be reached for ${missing.join(", ")}: ${reason}`,
      hint: "see the guest's gateway, and the proxy of its Docker",
    };
  });
}

/** The registries of images that the machine does not have, asked as its Docker would: through its proxy. */
async function askRegistries(host: Host, images: readonly string[]): Promise<readonly RegistryAnswer[]> {
  if (images.length === 0) return [];
  const listed = await asked(host, "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
  if (listed.exitCode !== 0) return [];
  const there = new Set(listed.stdout.split("\n"));
  const missing = images.filter(
    (image) => !there.has(image.includes("@") ? image : tagged(image)) && !there.has(image),
  );
  if (missing.length === 0) return [];
  const proxy = (await asked(host, "docker", "info", "--format", "{{.HTTPSProxy}}")).stdout.trim();
  const registries = [...new Set(missing.map(registryHost))];
  return Promise.all(
    registries.map(async (registry) => {
      const through = /^https?:\/\//.test(proxy) && !proxy.includes("@") ? ["--proxy", proxy] : [];
      const options = ["--silent", "--show-error", "--output", "/dev/null", "--max-time", "10", ...through];
      return {
        registry,
        missing: missing.filter((image) => registryHost(image) === registry),
        curl: await asked(host, "curl", ...options, `https://${registry}/v2/`),
      };
    }),
  );
}

/** An image's name with the tag that Docker takes where none is named. */
function tagged(image: string): string {
  return /:[^/:]+$/.test(image) ? image : `${image}:latest`;
}

export const dockerRows: readonly Prerequisite[] = [
  prerequisite({
    id: "docker",
    parts: ["portainer", "stacks"],
    where: "each virtual machine with Portainer, an agent or stacks",
    must: `Docker ${versionText(oldestEngine)} or newer is installed`,
    asked: "`docker version --format {{.Server.Version}}`",
    remedy: "`apt-get install docker.io docker-cli docker-compose`",
    after: guestGates,
    machines: dockerMachines,
    ask: ({ host }) => asked(host, "docker", "version", "--format", "{{.Server.Version}}"),
    judge: judgeEngine,
  }),
  prerequisite({
    id: "docker-runs",
    parts: ["portainer", "stacks"],
    where: "each virtual machine with Portainer, an agent or stacks",
    must: "docker.service runs, and starts at boot",
    asked: "`systemctl show docker`",
    remedy: "`systemctl enable --now docker`",
    isSafe: true,
    after: [...guestGates, "docker"],
    machines: dockerMachines,
    ask: ({ host }) => host.run(unitCommands("docker").show),
    judge: ({ stdout }) => judgeUnit(stdout, "docker"),
  }),
  prerequisite<ComposeAnswer>({
    id: "compose",
    parts: ["portainer", "stacks"],
    where: "the virtual machine with Portainer; the others should",
    must: "Docker Compose 2 is installed as Docker's plugin",
    asked: "`docker compose version --short`",
    remedy:
      "`apt-get install docker-compose-plugin` for Docker's own packages, `docker-compose` for Debian 13's",
    after: [...guestGates, "docker"],
    machines: dockerMachines,
    ask: async ({ host }) => {
      const [version, packages, files] = await Promise.all([
        asked(host, "docker", "compose", "version", "--short"),
        asked(host, "dpkg-query", "-W", "docker-ce", "docker.io"),
        host.readFiles(["/etc/os-release"]),
      ]);
      return {
        version,
        packages: packages.stdout,
        system: systemOf(files.get("/etc/os-release")?.text ?? ""),
      };
    },
    judge: (answer, { site, machine }) => judgeCompose(answer, site.portainer?.guest.host === machine),
  }),
  prerequisite<readonly RegistryAnswer[]>({
    id: "registries",
    parts: ["portainer", "stacks"],
    where: "each virtual machine with Portainer, an agent or stacks",
    must: "the registries of images that are not there yet can be reached",
    asked: "`docker image ls`, `curl https://REGISTRY/v2/`",
    remedy: "the guest's name server and gateway, or its Docker's proxy",
    after: [...guestGates, "docker", "docker-runs", "nameservers"],
    machines: dockerMachines,
    ask: ({ host, site, machine }) => askRegistries(host, imagesOf(site, machine)),
    judge: judgeRegistries,
  }),
];
