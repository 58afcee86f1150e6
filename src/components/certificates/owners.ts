/**
 * The owner of a pair's files. It is meant as the consumer sees it: a container has users of its own, and their ids on the disks
 * of the hypervisor are others. A virtual machine's NFS share has the hypervisor's ids, and so has a pair without a consumer.
 */
import type { Io } from "../../component.ts";
import { CandidateError, NotReadyError, TransportError } from "../../errors.ts";
import { configurationPath } from "../../fabric/guests.ts";
import { type IdMap, type Ids, idMapOf, idsInside, idsOnDisk } from "../../formats/lxc/index.ts";
import type { FileState, Host } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import type { HostName } from "../../resource.ts";
import { consumerOf } from "./consumer.ts";

export interface Ownership {
  /** The owner of a file as the consumer sees it, in the notation of the declaration: names or numbers. */
  seen(file: FileState): string;
  /**
   * What chown on the hypervisor must be given for the declared owner.
   * @param live the present file: its owner stays when the consumer cannot be asked who its users are
   * @throws CandidateError when the consumer has no such user or group
   */
  onDisk(live: FileState | undefined): string;
}

/** Asks each consumer once. @returns by certificate */
export async function ownershipsOf(
  io: Io,
  certificates: readonly Certificate[],
): Promise<ReadonlyMap<Certificate, Ownership>> {
  const consumers = certificates.map((certificate) => consumerOf(io.site, certificate));
  const configs = consumers.map((consumer) =>
    consumer?.guest.kind === "lxc" ? configurationPath(consumer.guest, io.site.cluster) : undefined,
  );
  const texts = await io.host("pve").readFiles([...new Set(configs.filter((path) => path !== undefined))]);
  const pairs = certificates.map(async (certificate, at): Promise<readonly [Certificate, Ownership]> => {
    const [consumer, config] = [consumers[at], configs[at]];
    if (consumer === undefined || config === undefined) return [certificate, plain(certificate)];
    const map = idMapOf(texts.get(config)?.text ?? "", consumer.keyPath);
    const host = io.host(consumer.guest.host);
    const accounts = isKnown(certificate.owner) ? rootOnly : await accountsOf(host);
    return [certificate, mapped(certificate, host.name, map, accounts)];
  });
  return new Map(await Promise.all(pairs));
}

/** Names and ids are the hypervisor's. */
function plain({ owner }: Certificate): Ownership {
  return {
    seen: (file) => inNotation(owner, file.owner, file.ids),
    onDisk: () => owner,
  };
}

function mapped(
  { owner }: Certificate,
  host: HostName,
  map: IdMap,
  accounts: Accounts | undefined,
): Ownership {
  if (accounts === undefined) return { seen: () => owner, onDisk: (live) => live?.ids ?? owner };
  return {
    seen: (file) => {
      const inside = idsInside(map, idsOf(file.ids));
      return inNotation(owner, namesOf(accounts, inside), `${inside.uid}:${inside.gid}`);
    },
    onDisk: () => {
      const [user = "", group = ""] = owner.split(":");
      const inside = { uid: idOf(accounts.users, user), gid: idOf(accounts.groups, group) };
      const unknown = inside.uid === undefined ? user : inside.gid === undefined ? group : undefined;
      if (unknown !== undefined)
        throw new CandidateError(`${host} has no user or group "${unknown}" for the owner "${owner}"`, {
          hint: `create it in the guest, or correct "owner" in the certificate's manifest entry`,
        });
      const ids = idsOnDisk(map, inside as Ids);
      if (ids === undefined)
        throw new CandidateError(`the owner "${owner}" is outside of the ids that ${host} has`, {
          hint: `map it with lxc.idmap in the guest's configuration, or correct "owner" in the certificate's manifest entry`,
        });
      return `${ids.uid}:${ids.gid}`;
    },
  };
}

/** The users and groups of a guest. */
export interface Accounts {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
}

/** The one account that every guest has. */
const rootOnly: Accounts = { users: new Map([["root", 0]]), groups: new Map([["root", 0]]) };

/** Whether nobody needs to be asked which ids an owner means. */
function isKnown(owner: string): boolean {
  return owner.split(":").every((part) => part === "root" || /^\d+$/.test(part));
}

/** Undefined when the guest does not answer. */
export async function accountsOf(host: Host): Promise<Accounts | undefined> {
  try {
    const files = await host.readFiles(["/etc/passwd", "/etc/group"]);
    return {
      users: accountTable(files.get("/etc/passwd")?.text ?? ""),
      groups: accountTable(files.get("/etc/group")?.text ?? ""),
    };
  } catch (error) {
    if (error instanceof TransportError || error instanceof NotReadyError) return undefined;
    throw error;
  }
}

/** passwd(5) and group(5) alike: the name comes first, the id third. */
function accountTable(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [name = "", , id = ""] = line.split(":");
      return name !== "" && /^\d+$/.test(id) ? [[name, Number(id)] as const] : [];
    }),
  );
}

function idOf(table: ReadonlyMap<string, number>, word: string): number | undefined {
  return table.get(word) ?? (/^\d+$/.test(word) ? Number(word) : undefined);
}

function namesOf({ users, groups }: Accounts, { uid, gid }: Ids): string {
  const nameOf = (table: ReadonlyMap<string, number>, id: number): string =>
    [...table].find(([, each]) => each === id)?.[0] ?? String(id);
  return `${nameOf(users, uid)}:${nameOf(groups, gid)}`;
}

/** The owner of a file of the hypervisor as a guest with this map and these accounts sees it: "root:www-data". */
export function ownerInside(map: IdMap, accounts: Accounts, file: Pick<FileState, "ids">): string {
  return namesOf(accounts, idsInside(map, idsOf(file.ids)));
}

function idsOf(text: string): Ids {
  const [uid = 0, gid = 0] = text.split(":").map(Number);
  return { uid, gid };
}

/** A number where the declaration has a number, a name where it has a name. */
function inNotation(declared: string, byName: string, byNumber: string): string {
  const [names, numbers] = [byName.split(":"), byNumber.split(":")];
  return declared
    .split(":")
    .map((part, at) => (/^\d+$/.test(part) ? numbers[at] : names[at]) ?? "")
    .join(":");
}
