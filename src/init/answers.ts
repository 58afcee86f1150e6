/** What was said about a new site: on the command line, found on a host, answered. Pure. */
import { UsageError } from "../errors.ts";
import { addressNumber } from "../formats/ipv4/index.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import { option } from "../option-names.ts";
import { hostName, parseInterface } from "../site/machines/addresses.ts";
import { completed, type Draft, type DraftGuest, kindOf, type Taken } from "./draft.ts";
import { defaultParts, type Part, partNames, type Role, roleNames, withNeeded } from "./parts.ts";

/** The domain of a network at home (RFC 8375), when nothing is known about it. */
const defaultDomain = "home.arpa";
const defaultBridge = "vmbr0";
const defaultStorage = "/srv/phoenix";

/** A host's address with the prefix length of its network. */
export interface Placed {
  readonly address: string;
  readonly prefix: number;
}

/** What is known so far; a member is absent while nobody said it. */
export interface Answers {
  readonly domain?: string;
  readonly placed?: Placed;
  readonly bridge?: string;
  readonly storage?: string;
  readonly parts?: readonly Part[];
  readonly guests?: readonly DraftGuest[];
  /** The ids of the guests that were given a role. */
  readonly roles?: ReadonlyMap<Role, number>;
  readonly taken?: Taken;
}

/** The answers in the command's own options. @throws UsageError for a value that is not valid */
export function answersIn(own: Readonly<Record<string, unknown>>): Answers {
  const text = (name: string): string | undefined => {
    const value = own[name];
    return typeof value === "string" ? value : undefined;
  };
  const texts = (name: string): readonly string[] => {
    const value = own[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  const [domain, placed, storage] = [text("domain"), text("address"), text("storage")];
  const parts = texts("parts").flatMap((words) => words.split(","));
  const guests = [
    ...texts("container").map((words) => guestIn("lxc", words, option.container)),
    ...texts("vm").map((words) => guestIn("vm", words, option.vm)),
  ];
  return {
    ...(domain === undefined ? {} : { domain: domainIn(domain) }),
    ...(placed === undefined ? {} : { placed: placedIn(placed) }),
    ...(text("bridge") === undefined ? {} : { bridge: text("bridge") ?? "" }),
    ...(storage === undefined ? {} : { storage: storageIn(storage) }),
    ...(parts.length === 0 ? {} : { parts: partsIn(parts) }),
    ...(guests.length === 0 ? {} : { guests }),
    roles: new Map(texts("role").map(roleIn)),
  };
}

/** @throws UsageError */
export function domainIn(text: string): string {
  const name = hostName(text);
  if (name === undefined)
    throw new UsageError(`"${text}" is not a valid domain`, {
      hint: "use letters, digits and hyphens between dots: internal.example.net",
    });
  return name;
}

/** @throws UsageError */
export function placedIn(text: string): Placed {
  const parsed = parseInterface(text);
  if (parsed?.prefix === undefined || parsed.prefix > 30 || parsed.prefix < 8)
    throw new UsageError(`"${text}" is not a valid address with a prefix length`, {
      hint: "write it like 192.168.1.2/24",
    });
  return { address: parsed.address, prefix: parsed.prefix };
}

/** @throws UsageError */
export function partsIn(words: readonly string[]): readonly Part[] {
  const named = words.map((word) => word.trim()).filter((word) => word !== "");
  const unknown = named.find((word) => !partNames.some((part) => part === word));
  if (unknown !== undefined)
    throw new UsageError(`unknown part "${unknown}"`, {
      hint: didYouMean(unknown, partNames) ?? `the parts are ${partNames.join(", ")}`,
    });
  if (named.length === 0)
    throw new UsageError("name at least one part", { hint: `the parts are ${partNames.join(", ")}` });
  return withNeeded(partNames.filter((part) => named.includes(part)));
}

/** "120:media:192.168.1.20:8096": id, name, address or dhcp, port of its service. @throws UsageError */
export function guestIn(kind: DraftGuest["kind"], words: string, what: string): DraftGuest {
  const [id = "", name = "", address = "", port = "", ...more] = words.split(":");
  const refused = (reason: string): UsageError =>
    new UsageError(`${what} ${words}: ${reason}`, {
      hint: "write it as ID:NAME:ADDRESS:PORT, like 120:media:192.168.1.20:8096; dhcp as the address, or no port, is fine",
    });
  if (!/^[1-9]\d{2,8}$/.test(id)) throw refused(`"${id}" is not a valid id`);
  if (hostName(name) === undefined) throw refused(`"${name}" is not a valid name`);
  const isFixed = address !== "" && address !== "dhcp";
  if (isFixed && addressNumber(address) === undefined) throw refused(`"${address}" is not a valid address`);
  const isPort = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535;
  if ((port !== "" && !isPort) || more.length > 0)
    throw refused(`"${[port, ...more].join(":")}" is not a valid port`);
  if (isPort && !isFixed) throw refused("a guest with a service needs a fixed address");
  return {
    kind,
    id: Number(id),
    name,
    ...(isFixed ? { address } : {}),
    ...(isPort ? { port: Number(port) } : {}),
  };
}

/** "gateway=101". @throws UsageError */
function roleIn(words: string): readonly [Role, number] {
  const [name = "", id = ""] = words.split("=");
  const role = roleNames.find((known) => known === name);
  if (role === undefined || !/^\d+$/.test(id))
    throw new UsageError(`${option.role} ${words}: expected ROLE=ID`, {
      hint: `write it like gateway=101; the roles are ${roleNames.join(", ")}`,
    });
  return [role, Number(id)];
}

/** @throws UsageError */
function storageIn(text: string): string {
  if (!/^\/[^\s:]*$/.test(text))
    throw new UsageError(`${option.storage} ${text}: expected an absolute path without spaces`);
  return text.replace(/(?<=.)\/+$/, "");
}

/** What was found, and what was said, which takes precedence; a guest that was named replaces the one with its id. */
export function joined(found: Answers, given: Answers): Answers {
  const named = given.guests ?? [];
  const others = (found.guests ?? []).filter(({ id }) => named.every((guest) => guest.id !== id));
  return { ...found, ...given, guests: [...others, ...named] };
}

/**
 * The draft that the answers make; what nobody said has its default.
 * @throws UsageError where there is no default, and for roles that do not fit
 */
export function draftOf(answers: Answers): Draft {
  const { placed, roles = new Map<Role, number>(), guests = [] } = answers;
  if (placed === undefined) throw needed([option.address]);
  const parts = answers.parts ?? withNeeded(defaultParts);
  for (const [role, id] of roles)
    if (!guests.some((guest) => guest.id === id && guest.kind === kindOf(role)))
      throw new UsageError(`${option.role} ${role}=${id}: no ${kindWords[kindOf(role)]} has this id`);
    else if (
      [...roles].some(([other, its]) => other !== role && its === id && kindOf(other) === kindOf(role))
    )
      throw new UsageError(`${option.role} ${role}=${id}: a guest has one role`, {
        hint: "give each role a guest of its own",
      });
  const assigned = guests.map((guest) => {
    const role = roleNames.find((name) => roles.get(name) === guest.id && kindOf(name) === guest.kind);
    return role === undefined ? guest : { ...guest, role };
  });
  return completed({
    domain: answers.domain ?? defaultDomain,
    bridge: answers.bridge ?? defaultBridge,
    ...placed,
    storage: answers.storage ?? defaultStorage,
    parts,
    guests: assigned,
    taken: answers.taken ?? { ids: [], addresses: [] },
  });
}

const kindWords = { lxc: "container", vm: "virtual machine" } as const;

/** What a call without a terminal has to say. */
export function needed(flags: readonly string[]): UsageError {
  return new UsageError(`without a terminal, ${flags.join(" and ")} must be given`, {
    hint: `like this: phoenix init DIR ${option.domain} ${defaultDomain} ${option.address} 192.168.1.2/24 ${option.parts} ${defaultParts.join(",")} ${option.container} 120:media:192.168.1.20:8096`,
  });
}

export const defaults = { domain: defaultDomain, bridge: defaultBridge } as const;
