/** What must run in the guests with a role: the gateway's Nginx, the mesh's Traefik, the CA's Step-CA. */
import type { ComponentName } from "../component.ts";
import { paths as traefikPaths } from "../components/traefik/compile.ts";
import { staticFaults } from "../components/traefik/static.ts";
import { isUnavailable, messageOf } from "../errors.ts";
import { findProvisionerPassword, findRoot } from "../fabric/ca-files.ts";
import { ports } from "../fabric/ports.ts";
import { gatewayAddresses, gatewaysOf } from "../fabric/services.ts";
import { unitCommands, unitState } from "../formats/systemd/index.ts";
import { isOlder, versionIn, versionText } from "../formats/version/index.ts";
import type { CommandResult } from "../hosts/host.ts";
import type { RoleGuest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import { holdersOf, judgeHolders } from "./ports.ts";
import {
  asked,
  type Finding,
  guestGates,
  installing,
  line,
  type Prerequisite,
  prerequisite,
} from "./prerequisite.ts";
import { yamlEdit } from "./yaml-edit.ts";

/** A program that a guest with a role runs as a unit. */
interface RoleService {
  /** Its unit without ".service", and its process as the kernel names it. */
  readonly unit: string;
  /** As people call it. */
  readonly name: string;
  readonly parts: readonly ComponentName[];
  readonly where: string;
  readonly guests: (site: Site) => readonly (RoleGuest | undefined)[];
  /** Prints its version, on either output. */
  readonly version: readonly string[];
  /** Versions from the first one on are enough; from the second one on nothing is known. */
  readonly oldest: readonly number[];
  readonly untested?: readonly number[];
  /** Debian's packages of it; absent where there are none. */
  readonly install?: readonly string[];
  readonly installHint?: string;
  readonly ports: (site: Site) => readonly number[];
}

const roleServices: readonly RoleService[] = [
  {
    unit: "nginx",
    name: "Nginx",
    parts: ["nginx"],
    where: "the gateway",
    guests: gatewaysOf,
    version: ["nginx", "-v"],
    oldest: [1, 18],
    install: ["nginx"],
    ports: () => [ports.http, ports.https],
  },
  {
    unit: "traefik",
    name: "Traefik",
    parts: ["traefik"],
    where: "the mesh",
    guests: ({ roles }) => [roles.mesh],
    version: ["traefik", "version"],
    oldest: [3, 0],
    untested: [4, 0],
    installHint: "install Traefik 3 from github.com/traefik/traefik/releases, with a unit traefik.service",
    ports: () => [ports.http, ports.meshApi],
  },
  {
    unit: "step-ca",
    name: "Step-CA",
    parts: ["trust", "certificates"],
    where: "the CA",
    guests: ({ roles }) => [roles.ca],
    version: ["step-ca", "version"],
    oldest: [0, 19],
    installHint:
      "install the package step-ca from smallstep.com/docs/step-ca/installation, and run `step ca init`",
    ports: ({ ca }) => (ca === undefined ? [] : [ca.port]),
  },
];

export interface ProgramAnswer {
  readonly unit: CommandResult;
  readonly version: CommandResult;
}

/** Whether the program is installed, with a unit, in a version that works. */
export function judgeProgram({ unit, version }: ProgramAnswer, service: RoleService): readonly Finding[] {
  const { name, oldest, untested, install, installHint } = service;
  const fix = install === undefined ? {} : { fix: { argv: installing(...install) } };
  const help = { ...fix, ...(installHint === undefined ? {} : { hint: installHint }) };
  if (/^LoadState=not-found$/m.test(unit.stdout)) {
    const isThere = version.exitCode === 0;
    const what = isThere ? `${name} has no unit ${service.unit}.service` : `${name} is not installed`;
    return [{ message: what, ...help }];
  }
  const found = versionIn(version.stdout + version.stderr);
  // A build without its version says 0.0.0 or N/A.
  if (version.exitCode !== 0 || found === undefined || found.every((part) => part === 0)) return [];
  if (isOlder(found, oldest))
    return [
      {
        message: `${name} is ${versionText(found)}, and Phoenix needs ${versionText(oldest)} or newer`,
        ...help,
      },
    ];
  if (untested === undefined || isOlder(found, untested)) return [];
  return [
    {
      message: `${name} is ${versionText(found)}, which is newer than Phoenix is tested with`,
      isWarning: true,
    },
  ];
}

/** @param show of `systemctl show UNIT --property=LoadState,ActiveState,UnitFileState` */
export function judgeUnit(show: string, unit: string): readonly Finding[] {
  const { installed, active, enabled } = unitState(show);
  const enable = ["systemctl", "enable", "--now", unit];
  if (/^LoadState=masked$/m.test(show))
    return [
      {
        message: `${unit} is masked: it cannot be started`,
        fix: { argv: line(`systemctl unmask ${unit} && ${enable.join(" ")}`) },
      },
    ];
  if (!installed) return [];
  if (!active) {
    const isFailed = /^ActiveState=failed$/m.test(show);
    const message = isFailed ? `${unit} has failed to start` : `${unit} does not run`;
    return [{ message, fix: { argv: enable, isSafe: true } }];
  }
  // Units without an [Install] section are "static", those that another one starts "indirect" or "alias".
  if (enabled || !/^UnitFileState=disabled$/m.test(show)) return [];
  const message = `${unit} runs, and does not start at boot`;
  return [{ message, isWarning: true, fix: { argv: ["systemctl", "enable", unit], isSafe: true } }];
}

/** Three rows for a service: it is installed, its ports are free, it runs. */
function rowsOf(service: RoleService): readonly Prerequisite[] {
  const { unit, name, parts, where, guests, version, oldest, install, installHint } = service;
  const machines = (site: Site): readonly HostName[] => guests(site).flatMap((guest) => guest?.host ?? []);
  return [
    prerequisite<ProgramAnswer>({
      id: unit,
      parts,
      where,
      must: `${name} ${versionText(oldest)} or newer is installed, with a unit ${unit}.service`,
      asked: `\`${version.join(" ")}\`, \`systemctl show ${unit}\``,
      remedy: install === undefined ? (installHint ?? "") : `\`apt-get install ${install.join(" ")}\``,
      after: guestGates,
      machines,
      ask: async ({ host }) => {
        const [shown, printed] = await Promise.all([
          host.run(unitCommands(unit).show),
          asked(host, ...version),
        ]);
        return { unit: shown, version: printed };
      },
      judge: (answer) => judgeProgram(answer, service),
    }),
    prerequisite({
      id: `${unit}-ports`,
      parts,
      where,
      must: `nobody else listens on the ports of ${name}: ${portWords(service)}`,
      asked: "`ss -Hlntup`, `ps -o unit= -p PID`",
      remedy: "`systemctl disable --now UNIT`, for the unit that holds the port",
      after: guestGates,
      machines,
      ask: ({ host, site }) =>
        holdersOf(
          host,
          service.ports(site),
          ({ program, protocol }) => program === unit || protocol !== "tcp",
        ),
      judge: (holders) => judgeHolders(holders, name),
    }),
    prerequisite({
      id: `${unit}-runs`,
      parts,
      where,
      must: `${unit}.service runs, and starts at boot`,
      asked: `\`systemctl show ${unit}\``,
      remedy: `\`systemctl enable --now ${unit}\``,
      isSafe: true,
      after: [...guestGates, unit, `${unit}-ports`],
      machines,
      ask: ({ host }) => host.run(unitCommands(unit).show),
      judge: ({ stdout }) => judgeUnit(stdout, unit),
    }),
  ];
}

function portWords({ unit }: RoleService): string {
  const words: Readonly<Record<string, string>> = {
    nginx: `${ports.http} and ${ports.https}`,
    traefik: `${ports.http} and ${ports.meshApi}`,
  };
  return words[unit] ?? `${ports.ca}, or the declared one`;
}

/** @param text of traefik.yml; undefined where it is not there */
export function judgeStatic(text: string | undefined, gateways: readonly string[]): readonly Finding[] {
  if (text === undefined) {
    const hint = "write it as docs/prerequisites.md shows, then restart Traefik";
    return [{ message: `${traefikPaths.static} is missing`, hint }];
  }
  let edited = text;
  const commands: string[] = [];
  const faults = staticFaults(text, gateways).map((fault) => {
    const edit = yamlEdit(edited, fault.path, fault.value);
    if (edit === undefined) return { ...fault, isEdited: false };
    edited = edit.text;
    commands.push(`${edit.command} ${traefikPaths.static}`);
    return { ...fault, isEdited: true };
  });
  // One command for all: each edit moves the lines of the others.
  const fix = { argv: line([...commands, "systemctl restart traefik"].join(" && ")) };
  return faults.map(
    ({ message, hint, severity, isEdited }): Finding => ({
      message,
      ...(isEdited ? { fix } : { hint }),
      ...(severity === "warning" ? { isWarning: true as const } : {}),
    }),
  );
}

export const serviceRows: readonly Prerequisite[] = [
  ...roleServices.flatMap(rowsOf),
  prerequisite<string | undefined>({
    id: "traefik-configuration",
    parts: ["traefik"],
    where: "the mesh",
    must: "Traefik's own configuration watches /etc/traefik/dynamic, has the entry point web on port 80, and serves its API on port 8080",
    asked: "`/etc/traefik/traefik.yml`",
    remedy: "change the line that is named, then `systemctl restart traefik`",
    after: [...guestGates, "traefik"],
    machines: ({ roles }) => (roles.mesh === undefined ? [] : [roles.mesh.host]),
    ask: async ({ host }) => (await host.readFiles([traefikPaths.static])).get(traefikPaths.static)?.text,
    judge: (text, { site }) => judgeStatic(text, gatewayAddresses(site)),
  }),
  prerequisite<readonly unknown[]>({
    id: "ca-files",
    parts: ["trust", "certificates"],
    where: "the CA",
    must: "the CA's root certificate and the password of its provisioner are where the site says",
    asked: "the files",
    remedy: "`step ca init`, or declare where the files are",
    after: [...guestGates, "step-ca"],
    machines: ({ roles }) => (roles.ca === undefined ? [] : [roles.ca.host]),
    ask: async ({ site, io }) => {
      if (site.ca === undefined) return [];
      const { rootFiles, passwordFiles } = site.ca;
      const host = (name: HostName) => io.host(name);
      const needsPassword = site.certificates.length > 0;
      const tries = [
        findRoot(rootFiles, host),
        ...(needsPassword ? [findProvisionerPassword(passwordFiles, host)] : []),
      ];
      const results = await Promise.allSettled(tries);
      return results.flatMap((result) => {
        if (result.status === "fulfilled") return [];
        if (!isUnavailable(result.reason)) throw result.reason;
        return [result.reason];
      });
    },
    judge: (errors) =>
      errors.map((error) => ({
        message: messageOf(error),
        hint: "set up the CA with `step ca init`, or declare in the site where the file lies",
      })),
  }),
];
