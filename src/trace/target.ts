/** What a word on the command line stands for: a name, a URL, a stack, a guest, the hypervisor. */
import { UsageError } from "../errors.ts";
import { stackServices } from "../fabric/containers-at.ts";
import type { Way } from "../fabric/hop.ts";
import { containersOf } from "../fabric/hop-parts.ts";
import { tracedNames, waysTo, wayToGuest, wayToHypervisor } from "../fabric/hops.ts";
import { nearest } from "../formats/text/nearest.ts";
import type { Guest, Site, Stack } from "../model.ts";
import type { GuestName } from "../resource.ts";

export interface Target {
  readonly ways: readonly Way[];
  /** The path and query of a URL; "/" of anything else. */
  readonly path: string;
}

/** @throws UsageError for a word that stands for nothing, with the nearest one that does */
export function targetOf(site: Site, word: string): Target {
  const { name, path } = readWord(word);
  const ways = waysFor(site, name);
  if (ways.length > 0) return { ways, path };
  const near = nearest(name, [...knownWords(site), ...shortNames(site)]);
  throw new UsageError(`unknown name "${word}"`, {
    hint:
      near === undefined
        ? "name a host name, a stack, a guest or pve; `phoenix check` lists what the site declares"
        : `did you mean ${near}?`,
  });
}

/** The guest that `--from` names. @throws UsageError */
export function guestFor(site: Site, word: string): GuestName {
  const found = guestNamed(site, word.toLowerCase());
  if (found !== undefined) return found.host;
  const near = nearest(
    word,
    runnable(site).flatMap(({ host, name }) => [host, name]),
  );
  throw new UsageError(`unknown guest "${word}"`, {
    hint: near === undefined ? "name a guest, such as lxc/101" : `did you mean ${near}?`,
  });
}

/** Everything that can be traced, for completion. */
export function knownWords(site: Site): readonly string[] {
  const stacks = site.stacks.map(({ name }) => `stacks/${name}`);
  const guests = runnable(site).flatMap(({ host, name }) => [host, name]);
  return [
    ...new Set([...tracedNames(site), ...stacks, ...site.services.map(({ id }) => id), ...guests, "pve"]),
  ];
}

/** Names in the site's domain as they can be shortened. */
function shortNames(site: Site): readonly string[] {
  const end = `.${site.domain}`;
  return tracedNames(site).flatMap((name) => (name.endsWith(end) ? [name.slice(0, -end.length)] : []));
}

function readWord(word: string): { readonly name: string; readonly path: string } {
  const url = /^https?:\/\//i.test(word)
    ? word
    : /^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:\/|$)/.test(word)
      ? `https://${word}`
      : "";
  if (URL.canParse(url)) {
    const { hostname, pathname, search } = new URL(url);
    return { name: hostname.replace(/\.$/, ""), path: pathname + search };
  }
  return { name: word.toLowerCase().replace(/\.$/, ""), path: "/" };
}

/** The most specific meaning of a word counts: a host name, a short one, a stack, a service, a guest. */
function waysFor(site: Site, name: string): readonly Way[] {
  if (name === "pve" || name === site.hypervisor.address) return [wayToHypervisor(site)];
  for (const full of [name, ...(name.includes(".") ? [] : [`${name}.${site.domain}`])]) {
    const ways = waysTo(site, full);
    if (ways.length > 0) return ways;
  }
  const stacks = site.stacks.filter((each) =>
    [each.name, each.project, `stacks/${each.name}`, `stacks/${each.name}@${each.portainerEnvironment}`].some(
      (known) => known.toLowerCase() === name,
    ),
  );
  if (stacks.length > 0) return stacks.flatMap((stack) => waysToStack(site, stack));
  const services = site.services.filter(({ id }) => id === name);
  if (services.length > 0) return services.flatMap(({ names: [first = ""] }) => waysTo(site, first));
  const guest = guestNamed(site, name);
  return guest === undefined ? [] : [wayToGuest(site, guest)];
}

/** Every name of a stack, or its containers where it has none. */
function waysToStack(site: Site, stack: Stack): readonly Way[] {
  const routed = site.services.filter(
    (each) => each.stack === stack.name && each.guest.host === stack.guest.host,
  );
  const ways = routed.flatMap((service) =>
    waysTo(site, service.names[0] ?? "").filter((way) => way.service === service),
  );
  if (ways.length > 0) return ways;
  const name = `stacks/${stack.name}`;
  const hops = containersOf(stack, stackServices(stack));
  return [{ name, leadsTo: `${stack.guest.host} (${stack.guest.name})`, hops }];
}

function runnable({ guests }: Site): readonly Guest[] {
  return guests.filter(({ template }) => !template);
}

function guestNamed(site: Site, word: string): Guest | undefined {
  return runnable(site).find(
    ({ host, name, id, address }) =>
      host === word || name.toLowerCase() === word || String(id) === word || address === word,
  );
}
