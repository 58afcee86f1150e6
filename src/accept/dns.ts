/** Records that were changed by hand, as `dns_records`; and the servers for other names. Pure. */
import type { DnsRecord, Site } from "../model.ts";
import { type Change, diffUnits, type UnitChange } from "../resource.ts";
import { siteFiles } from "../site/shapes/files.ts";
import type { JsonPath } from "../site/text/json-places.ts";
import { keyIn, type SiteDraft } from "./draft.ts";
import { derived, notAcceptable } from "./refusal.ts";

type Update = Extract<Change, { verb: "update" }>;

const config = siteFiles.hypervisor;
const recordLists = [["dns_records"], ["dns_server", "dns_records"], ["dns_server", "records"]] as const;
const nameKeys = ["name", "hostname", "host", "domain"] as const;
const addressKeys = ["ip", "address", "value", "target"] as const;

export function acceptDns(change: Update, site: Site, draft: SiteDraft): void {
  const { id, host } = change.desired;
  if (host !== "pve") throw notAcceptable(id, "the site says the same of every node");
  if (id === "dns/records" || id === "dns/wildcards")
    for (const unit of diffUnits(change)) acceptRecord(change, unit, site, draft);
  else if (id === "dns/configuration") acceptServers(change, draft);
  else throw notAcceptable(id, "the site cannot say that the service is stopped");
}

/** A unit leads from the live addresses of a name to the declared ones. */
function acceptRecord(change: Update, unit: UnitChange, site: Site, draft: SiteDraft): void {
  const { id, from } = change.desired;
  const live = addresses("before" in unit ? unit.before : undefined);
  const declared = addresses("after" in unit ? unit.after : undefined);
  const gone = declared.filter((address) => !live.includes(address));
  const fresh = live.filter((address) => !declared.includes(address));
  for (const [at, address] of gone.entries()) {
    const record = site.dns?.records.find((each) => each.name === unit.unit && each.address === address);
    if (record === undefined) throw derived(id, unit.unit, from?.[unit.unit]);
    const other = fresh[at];
    if (other === undefined) remove(record, draft);
    else readdress(record, other, draft);
  }
  for (const address of fresh.slice(gone.length)) add(unit.unit, address, draft);
}

function addresses(unit: string | undefined): readonly string[] {
  return unit === undefined ? [] : unit.split(", ");
}

/** A record is an object with a name, a name in a guest's list, or a member of an object. */
function entryOf({ from }: DnsRecord, draft: SiteDraft): { path: JsonPath; isObject: boolean } | undefined {
  const path = draft.pathTo(from);
  if (path === undefined) return undefined;
  const isObject =
    typeof path.at(-1) === "string" &&
    nameKeys.some((key) => key === path.at(-1)) &&
    typeof path.at(-2) === "number";
  return { path: isObject ? path.slice(0, -1) : path, isObject };
}

function remove(record: DnsRecord, draft: SiteDraft): void {
  const entry = entryOf(record, draft);
  if (entry !== undefined) draft.edit(record.from.file, { kind: "remove", path: entry.path });
}

function readdress(record: DnsRecord, address: string, draft: SiteDraft): void {
  const entry = entryOf(record, draft);
  if (entry === undefined) return;
  const { file } = record.from;
  const { path, isObject } = entry;
  const node = draft.node(file, path);
  const key = keyIn(node, addressKeys);
  if (isObject && node?.kind === "object" && !node.members.has(key))
    draft.edit(file, { kind: "add", path, key, value: address });
  else if (isObject) draft.edit(file, { kind: "set", path: [...path, key], value: address });
  // A name alone stands for the guest's own address.
  else if (typeof path.at(-1) === "number")
    draft.edit(file, { kind: "set", path, value: { name: record.name, ip: address } });
  else draft.edit(file, { kind: "set", path, value: address });
}

function add(name: string, address: string, draft: SiteDraft): void {
  const path = recordLists.find((each) => draft.node(config, each) !== undefined);
  const node = path && draft.node(config, path);
  if (path === undefined || node === undefined)
    draft.edit(config, { kind: "add", path: [], key: "dns_records", value: [{ name, ip: address }] });
  else if (node.kind === "object") draft.edit(config, { kind: "add", path, key: name, value: address });
  else draft.edit(config, { kind: "add", path, value: likeItsNeighbours(node, name, address) });
}

/** With the keys that the records beside it have. */
function likeItsNeighbours(
  list: NonNullable<ReturnType<SiteDraft["node"]>>,
  name: string,
  address: string,
): unknown {
  const last = list.kind === "array" ? list.items.findLast(({ kind }) => kind === "object") : undefined;
  return { [keyIn(last, nameKeys)]: name, [keyIn(last, addressKeys)]: address };
}

function acceptServers(change: Update, draft: SiteDraft): void {
  const { id } = change.desired;
  const units = diffUnits(change);
  const [other] = units.filter(({ unit }) => unit !== "server");
  if (other !== undefined) throw notAcceptable(id, `the site cannot say the option ${other.unit}`);
  const [unit] = units;
  const servers = addresses(unit !== undefined && "before" in unit ? unit.before : undefined);
  const path = [
    "dns_server",
    keyIn(draft.node(config, ["dns_server"]), ["upstream_servers", "forwarders", "upstreams"]),
  ];
  if (servers.length === 0 || draft.node(config, path)?.kind !== "array")
    throw notAcceptable(id, "it names no server for other names");
  draft.edit(config, { kind: "set", path, value: servers });
}
