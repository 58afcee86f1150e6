/** What each component says that clients notice of a change. */
import { expect, test } from "vitest";
import type { Impact, Io } from "../../src/component.ts";
import { loadComponents } from "../../src/components/index.ts";
import type { DnsAnswer } from "../../src/hosts/network.ts";
import {
  type Change,
  canonicalJson,
  type HostName,
  type Resource,
  type ResourceId,
} from "../../src/resource.ts";

const components = await loadComponents();

/** A hypervisor whose name server answers these; no other question may be asked. */
function ioWith(answers: Readonly<Record<string, readonly string[]>>): Io {
  const query = async (_server: string, name: string): Promise<DnsAnswer> => {
    const found = answers[name];
    return { rcode: found === undefined ? "NXDOMAIN" : "NOERROR", answers: found ?? [] };
  };
  return { site: { hypervisor: { address: "10.0.0.13" } }, network: { query } } as unknown as Io;
}

const resource = (id: ResourceId, units: Record<string, string>, host: HostName = "pve"): Resource => ({
  id,
  host,
  text: JSON.stringify(units),
  units,
});

const create = (desired: Resource): Change => ({ verb: "create", desired });
const update = (live: Resource, desired: Resource): Change => ({ verb: "update", live, desired });
const remove = (live: Resource): Change => ({ verb: "delete", live });

async function impactOf(changes: readonly Change[], io: Io = ioWith({})): Promise<Impact | undefined> {
  const [first] = changes;
  const id = first === undefined ? "" : (first.verb === "delete" ? first.live : first.desired).id;
  return components.find(({ name }) => id.startsWith(`${name}/`))?.impact?.(changes, io);
}

const records = (units: Record<string, string>): Resource => resource("dns/records", units);
const wildcards = (units: Record<string, string>): Resource => resource("dns/wildcards", units);
const options = (units: Record<string, string>): Resource => resource("firewall/options", units);
const guest = (units: Record<string, string>): Resource => resource("firewall/guest-vm-311", units);
const group = (...rules: readonly string[]): Resource =>
  resource("firewall/group-vm-311", Object.fromEntries(rules.map((rule) => [rule, ""])));
const gateway = (units: Record<string, string>): Resource => resource("nginx/gateway", units, "lxc/101");
const routes = (units: Record<string, string>): Resource => resource("traefik/routes", units, "lxc/102");
const accept = "IN ACCEPT -p tcp -dport 3000";
const drop = "IN DROP -source 10.0.0.50";

interface StackMore {
  readonly variables?: Readonly<Record<string, string>>;
  readonly containers?: Readonly<Record<string, string>>;
}

function stack(compose: string, { variables = {}, containers = {} }: StackMore = {}): Resource {
  const text = canonicalJson({ compose, variables, files: {}, containers, volumes: {} });
  const prefixed = Object.entries(variables).map(([name, value]) => [`variable ${name}`, value]);
  return { id: "stacks/wiki", host: "vm/311", text, units: Object.fromEntries(prefixed) };
}

const web = "services:\n  web:\n    image: web:1\n    ports: [ '3000:80' ]\n  db:\n    image: db:1\n";

const rows: Readonly<Record<string, readonly [readonly Change[], readonly string[], Io?]>> = {
  "a name that nobody answers yet": [[create(records({ "a.example.net": "10.0.0.1" }))], []],
  "a new record of a name that another file answers": [
    [create(records({ "a.example.net": "10.0.0.1" }))],
    ["a.example.net moves from 10.9.9.9 to 10.0.0.1"],
    ioWith({ "a.example.net": ["10.9.9.9"] }),
  ],
  "a new record of a name that another file answers alike": [
    [create(records({ "a.example.net": "10.0.0.1" }))],
    [],
    ioWith({ "a.example.net": ["10.0.0.1"] }),
  ],
  "a name that moves": [
    [update(records({ "a.example.net": "10.0.0.1" }), records({ "a.example.net": "10.0.0.2" }))],
    ["a.example.net moves from 10.0.0.1 to 10.0.0.2"],
  ],
  "a name that goes": [
    [update(records({ "a.example.net": "10.0.0.1" }), records({}))],
    ["a.example.net is no longer answered"],
  ],
  "a name that goes from one file of ours to the other": [
    [
      update(records({ "*.example.net": "10.0.0.1" }), records({})),
      create(wildcards({ "*.example.net": "10.0.0.1" })),
    ],
    [],
  ],
  "a wildcard over what something else answers": [
    [create(wildcards({ "*.example.net": "10.0.0.1" }))],
    ["*.example.net moves from 10.9.9.9 to 10.0.0.1"],
    ioWith({ "phoenix-probe.example.net": ["10.9.9.9"] }),
  ],
  "a policy that tightens": [
    [update(options({ enable: "1", policy_in: "ACCEPT" }), options({ enable: "1", policy_in: "DROP" }))],
    ["policy_in: ACCEPT -> DROP"],
  ],
  "a policy that is set where none was": [
    [create(options({ enable: "1", policy_in: "REJECT" }))],
    ["the firewall is switched on", "policy_in: not set -> REJECT"],
  ],
  "a policy that loosens": [
    [update(options({ enable: "1", policy_in: "DROP" }), options({ enable: "1", policy_in: "ACCEPT" }))],
    [],
  ],
  "a firewall that is switched on": [
    [update(options({ enable: "0" }), options({ enable: "1" }))],
    ["the firewall is switched on"],
  ],
  "a firewall that is switched off": [
    [update(options({ enable: "1" }), options({ enable: "0" }))],
    ["the firewall is switched off"],
  ],
  "a guest that is filtered from now on": [
    [create(guest({ enable: "1", policy_in: "DROP", group: "phx-vm-311" }))],
    ["vm-311 is filtered: what no rule accepts is dropped"],
  ],
  "a guest's policy that tightens": [
    [update(guest({ enable: "1", policy_in: "ACCEPT" }), guest({ enable: "1", policy_in: "DROP" }))],
    ["policy_in of vm-311: ACCEPT -> DROP"],
  ],
  "an opening that goes": [[update(group(accept), group())], [`group-vm-311 no longer accepts: ${accept}`]],
  "a rule that refuses": [[update(group(), group(drop))], [`group-vm-311 refuses more: ${drop}`]],
  "an opening that is added": [[update(group(), group(accept))], []],
  "a name that the gateway no longer serves": [
    [update(gateway({ "a.example.net": "x" }), gateway({}))],
    ["the gateway no longer serves a.example.net"],
  ],
  "a name with other limits": [
    [
      update(
        gateway({ "a.example.net": "no upload limit" }),
        gateway({ "a.example.net": "uploads up to 1 bytes" }),
      ),
    ],
    ["the gateway treats a.example.net differently"],
  ],
  "a route that goes": [
    [update(routes({ wiki: "x" }), routes({}))],
    ["the mesh no longer has the route wiki"],
  ],
  "a route that leads elsewhere": [
    [update(routes({ wiki: "x" }), routes({ wiki: "y" }))],
    ["the route wiki changes"],
  ],
  "a stack that is new": [[create(stack(web))], []],
  "a stack that goes": [[remove(stack(web))], ["wiki is taken down"]],
  "an image that changes": [
    [update(stack(web), stack(web.replace("web:1", "web:2")))],
    ["web of wiki is recreated"],
  ],
  "a port that changes": [
    [update(stack(web), stack(web.replace("3000:80", "3001:80")))],
    ["web of wiki is recreated", "wiki leaves port 3000/tcp"],
  ],
  "a service that goes": [
    [update(stack(web), stack(web.replace(/ {2}db:\n.*\n/, "")))],
    ["db of wiki is removed"],
  ],
  "a variable that any service may use": [
    [update(stack(web, { variables: { A: "1" } }), stack(web, { variables: { A: "2" } }))],
    ["web, db of wiki may be recreated"],
  ],
  "a container that stands still": [
    [
      update(
        stack(web, { containers: { web: "exited" } }),
        stack(web, { containers: { web: "running web:1" } }),
      ),
    ],
    ["web of wiki is started"],
  ],
  "a root of the CA that is replaced": [
    [update(resource("trust/root", { a: "x" }), resource("trust/root", { a: "y" }))],
    ["the hypervisor trusts another root in place of the present one"],
  ],
  "Portainer that is upgraded": [
    [
      update(
        resource("portainer/server", { container: "portainer_server running" }, "vm/310"),
        resource("portainer/server", { container: "portainer_server running" }, "vm/310"),
      ),
    ],
    ["Portainer is away for a moment"],
  ],
};

test.each(Object.entries(rows))("%s", async (_, [changes, notices, io]) => {
  const { notices: noticed = [], starts = [] } = (await impactOf(changes, io)) ?? {};
  expect([...noticed, ...starts]).toEqual(notices);
});

test("every component says what clients notice", () => {
  expect(components.filter(({ impact }) => impact === undefined).map(({ name }) => name)).toEqual([]);
});

test("what is reloaded, restarted or recreated is named", async () => {
  expect(await impactOf([create(records({}))])).toMatchObject({ activations: [] });
  expect(await impactOf([create(resource("dns/configuration", {}))])).toMatchObject({
    activations: [{ kind: "restart", unit: "dnsmasq", host: "pve" }],
  });
  expect(await impactOf([create(options({ enable: "1" }))])).toMatchObject({
    activations: [{ kind: "reload", unit: "pve-firewall", host: "pve" }],
  });
  expect(await impactOf([create(gateway({}))])).toMatchObject({
    activations: [{ kind: "reload", unit: "nginx", host: "lxc/101" }],
  });
  expect(await impactOf([update(stack(web), stack(web.replace("db:1", "db:2")))])).toMatchObject({
    blinks: ["wiki/db"],
  });
});
