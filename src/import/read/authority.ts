/** A guest's Step-CA: its ca.json, its root, its passwords, and what it lacks to issue certificates. */
import { defined } from "../../defined.ts";
import {
  isObject,
  type JsonObject,
  listOf,
  member,
  objectsOf,
  parseJson,
  textOf,
} from "../../formats/json/index.ts";
import { rootIn } from "../../formats/x509/index.ts";
import type { HostPath } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import { passwordPlaces, rootPlaces } from "../../site/services/authority.ts";
import type { FoundAuthority, FoundProgram } from "../found/web.ts";
import type { FoundGuest, ReadIo } from "../found.ts";
import { filesOn, outputOn } from "./files.ts";

/** Where `step ca init` and packages put it. */
const usualFiles = [
  "/root/.step/config/ca.json",
  "/etc/step-ca/config/ca.json",
  "/etc/step/config/ca.json",
  "/home/step/.step/config/ca.json",
];

export async function readAuthority(
  io: ReadIo,
  guest: FoundGuest,
  { isRunning, source: unit }: FoundProgram,
): Promise<FoundAuthority> {
  const { host } = guest;
  const argv = await startedWith(io, guest);
  const named = argv.filter((word) => /^\/.*\.json$/.test(word));
  const files = await filesOn(io, host, [...named, ...usualFiles]);
  const [found] = files;
  const places = await placesOf(io, guest);
  const common = { host, isRunning, ...places };
  const stopped = isRunning ? [] : ["its unit does not run"];
  if (found === undefined)
    return {
      ...common,
      ...nothing,
      source: unit,
      faults: ["it has no ca.json: `step ca init` was not run", ...stopped],
    };
  const [path, { text }] = found;
  const config = parseJson(text);
  const source = { host, path };
  if (!isObject(config))
    return { ...common, ...nothing, source, faults: ["its ca.json is not valid JSON", ...stopped] };
  return { ...common, ...(await configured(io, config, { host, path }, places, stopped)) };
}

type Places = Pick<FoundAuthority, "rootPlace" | "passwordPlace">;

/** What a ca.json says, and which of the files that it names are there. */
async function configured(
  io: ReadIo,
  config: JsonObject,
  source: FoundAuthority["source"] & { readonly host: GuestName },
  places: Places,
  stopped: readonly string[],
): Promise<Pick<FoundAuthority, "source" | "dnsNames" | "port" | "provisioners" | "root" | "faults">> {
  const [rootFile, certificate, key] = ["root", "crt", "key"].map((name) => textOf(config, name)) as [
    string,
    string,
    string,
  ];
  const files = await filesOn(io, source.host, [rootFile, certificate, key].filter(isPath));
  const provisioners = objectsOf(member(config.authority, "provisioners"))
    .filter((each) => textOf(each, "type") === "JWK" && textOf(each, "encryptedKey") !== "")
    .map((each) => textOf(each, "name"));
  const [, port] = /:(\d+)$/.exec(textOf(config, "address")) ?? [];
  const dnsNames = listOf(config.dnsNames).map((name) => name.toLowerCase());
  const root = rootIn(files.get(rootFile)?.text ?? "");
  const lacks: readonly (readonly [boolean, string])[] = [
    [dnsNames.every(isAddress), "its ca.json names no host in dnsNames"],
    [port === undefined, "its ca.json has no port in address"],
    [root === undefined, `its root certificate ${rootFile} is not there`],
    [!files.has(certificate), `its intermediate certificate ${certificate} is not there`],
    [isPath(key) && !files.has(key), `its key ${key} is not there`],
    [provisioners.length === 0, "it has no JWK provisioner with its key in ca.json"],
    [places.rootPlace === undefined, "its root certificate is in none of the places where Phoenix looks"],
    [
      places.passwordPlace === undefined,
      "the password of its provisioner is in none of the places where Phoenix looks",
    ],
  ];
  return defined({
    source,
    dnsNames,
    port: Number(port ?? 0),
    provisioners,
    root,
    faults: [...lacks.flatMap(([isSo, words]) => (isSo ? [words] : [])), ...stopped],
  });
}

const nothing = { dnsNames: [], port: 0, provisioners: [] };

/** The words of the unit's command. */
async function startedWith(io: ReadIo, { host }: FoundGuest): Promise<readonly string[]> {
  const shown = await outputOn(
    io,
    host,
    ["systemctl", "show", "step-ca.service", "--property=ExecStart"],
    true,
  );
  return /argv\[\]=(.*?) ;/.exec(shown ?? "")?.[1]?.split(/\s+/) ?? [];
}

/** The first of the places where Phoenix looks for the root and the password that has one. */
async function placesOf(io: ReadIo, { host, mounts }: FoundGuest): Promise<Places> {
  const [rootPlace, passwordPlace] = await Promise.all([
    first(io, rootPlaces({ host, mounts }), (text) => rootIn(text) !== undefined),
    first(io, passwordPlaces({ host, mounts }), (text) => text.trim() !== ""),
  ]);
  return { ...(rootPlace && { rootPlace }), ...(passwordPlace && { passwordPlace }) };
}

async function first(
  io: ReadIo,
  places: readonly HostPath[],
  accepts: (text: string) => boolean,
): Promise<HostPath | undefined> {
  const hosts = [...new Set(places.map(({ host }) => host))];
  const files = await Promise.all(
    hosts.map(
      async (host) =>
        [
          host,
          await filesOn(
            io,
            host,
            places.filter((each) => each.host === host).map(({ path }) => path),
          ),
        ] as const,
    ),
  );
  const texts = new Map(files);
  return places.find(({ host, path }) => accepts(texts.get(host)?.get(path)?.text ?? ""));
}

function isPath(text: string): boolean {
  return text.startsWith("/");
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(":") || name === "localhost";
}
