/** Certificates on the hypervisor's disks that guests see: below their mount points and on their NFS shares. */
import { type Accounts, accountsOf, ownerInside } from "../../components/certificates/owners.ts";
import { fileOf } from "../../components/certificates/record.ts";
import { defined } from "../../defined.ts";
import { configurationPath } from "../../fabric/guests.ts";
import { member, parseJson } from "../../formats/json/index.ts";
import { idMapOf } from "../../formats/lxc/index.ts";
import { keyMatches, parseChain } from "../../formats/x509/index.ts";
import type { FileState } from "../../hosts/host.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundCertificate, FoundCertificates } from "../found/web.ts";
import type { FoundGuest, FoundNetwork, FoundShares, ReadIo } from "../found.ts";
import { filesOn, outputOn } from "./files.ts";
import { readRenewals } from "./renewals.ts";

/** A directory of the hypervisor, and the guest that sees it. */
interface Seen {
  readonly guest: FoundGuest;
  readonly hostPath: string;
  readonly guestPath: string;
}

/** Directories below a mount point that are looked into: certificates lie near its top, films and databases do not. */
const depth = 3;

/** What the readers before told. */
export interface ReadBefore {
  readonly guests: readonly FoundGuest[];
  readonly shares: FoundShares;
  readonly network: FoundNetwork;
}

export async function readCertificates(io: ReadIo, before: ReadBefore): Promise<FoundCertificates> {
  const places = placesOf(before);
  const paths = await candidates(io, places);
  const files = await filesOn(io, "pve", paths);
  const owners = new Owners(io);
  const found = [...files].flatMap(([path, file]) => {
    const chain = parseChain(file.text);
    return chain[0] === undefined || chain[0].isAuthority ? [] : [{ path, file, chain }];
  });
  const records = await filesOn(
    io,
    "pve",
    found.map(({ chain }) => recordPath(chain)),
  );
  const certificates = await Promise.all(
    found.map(async ({ path, file, chain }): Promise<FoundCertificate> => {
      const seen = seenBy(places, path);
      const key = keyOf(files, path, file.text);
      const [owner, keyOwner] = await Promise.all([owners.of(file, seen), key && owners.of(key.file, seen)]);
      const record = parseJson(records.get(recordPath(chain))?.text ?? "");
      const command = member(record, "command");
      return defined({
        certPath: path,
        key: key && { path: key.path, mode: key.file.mode, owner: keyOwner ?? "" },
        mode: file.mode,
        owner,
        seen: seen && { host: seen.guest.host, certPath: pathIn(seen, path) },
        chain,
        record:
          record === undefined
            ? undefined
            : defined({ command: typeof command === "string" ? command : undefined }),
        source: { host: "pve" as const, path },
      });
    }),
  );
  const renewals = await readRenewals(io, before.guests);
  return { certificates: unique(certificates), renewals, atMs: Date.now() };
}

function recordPath(chain: FoundCertificate["chain"]): string {
  return fileOf({ commonName: chain[0]?.commonName ?? "" }, "told");
}

function placesOf({ guests, shares, network }: ReadBefore): readonly Seen[] {
  const own = new Set(network.interfaces.map(({ address }) => address?.address));
  return guests.flatMap((guest) => [
    ...guest.mounts.map(({ hostPath, guestPath }) => ({ guest, hostPath, guestPath })),
    ...shares.mounts
      .filter(({ host, server }) => host === guest.host && own.has(server))
      .map(({ path, mountPoint }) => ({ guest, hostPath: path, guestPath: mountPoint })),
  ]);
}

/** Files that certificates and keys are kept in, by their names. */
async function candidates(io: ReadIo, places: readonly Seen[]): Promise<readonly string[]> {
  const directories = [...new Set(places.map(({ hostPath }) => hostPath))]
    .filter((path) => path.startsWith("/"))
    .sort();
  const lists = await Promise.all(
    directories.map((directory) =>
      outputOn(
        io,
        "pve",
        [
          "find",
          "-L",
          directory,
          "-maxdepth",
          String(depth),
          "-type",
          "f",
          "-size",
          "-64k",
          "(",
          ...named,
          ")",
        ],
        true,
      ),
    ),
  );
  return [...new Set(lists.flatMap((list) => (list ?? "").split("\n")))].filter((path) => path !== "");
}

const named = ["*.crt", "*.pem", "*.cer", "*.key"].flatMap((pattern, at) =>
  at === 0 ? ["-name", pattern] : ["-o", "-name", pattern],
);

/** The key beside a certificate that belongs to it. */
function keyOf(
  files: ReadonlyMap<string, FileState>,
  path: string,
  certificate: string,
): { readonly path: string; readonly file: FileState } | undefined {
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  for (const [other, file] of files) {
    const isBeside = other.startsWith(directory) && !other.slice(directory.length).includes("/");
    if (isBeside && /PRIVATE KEY-----/.test(file.text) && keyMatches(certificate, file.text))
      return { path: other, file };
  }
  return undefined;
}

function seenBy(places: readonly Seen[], path: string): Seen | undefined {
  return places.find(({ hostPath }) => path.startsWith(`${hostPath}/`));
}

function pathIn({ hostPath, guestPath }: Seen, path: string): string {
  return guestPath + path.slice(hostPath.length);
}

/** The owners of files as containers see them; virtual machines have the hypervisor's ids. */
class Owners {
  readonly #io: ReadIo;
  readonly #accounts = new Map<GuestName, Promise<Accounts | undefined>>();

  constructor(io: ReadIo) {
    this.#io = io;
  }

  async of(file: FileState, seen: Seen | undefined): Promise<string> {
    if (seen === undefined || seen.guest.kind === "vm") return file.owner;
    const { host } = seen.guest;
    const config = configurationPath(seen.guest, undefined);
    const text = (await filesOn(this.#io, "pve", [config])).get(config)?.text ?? "";
    const accounts = this.#accounts.get(host) ?? accountsOf(this.#io.host(host));
    this.#accounts.set(host, accounts);
    const known = await accounts;
    const map = idMapOf(text, seen.guestPath);
    return ownerInside(map, known ?? { users: new Map(), groups: new Map() }, file);
  }
}

/** One of those that are the same file by several paths, or copies of each other: the first. */
function unique(certificates: readonly FoundCertificate[]): readonly FoundCertificate[] {
  const isKept = ({ chain, key }: FoundCertificate, at: number): boolean =>
    certificates.findIndex(
      (other) =>
        other.chain[0]?.fingerprint === chain[0]?.fingerprint &&
        (other.key !== undefined) === (key !== undefined),
    ) === at;
  return certificates.filter(isKept);
}
