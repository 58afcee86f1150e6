/** DNS: what the site's server answers, and what machines get from the resolvers that they ask. */

import { paths } from "../components/dns/compile.ts";
import { describeHost, guestOf } from "../fabric/guests.ts";
import type { DnsHop } from "../fabric/hop.ts";
import type { GuestName } from "../resource.ts";
import { type Looking, unitDown } from "./context.ts";
import { affected, broken, degraded, type Finding, ok, unknown } from "./finding.ts";
import type { Resolution } from "./resolve.ts";

/** Of a wildcard, any name below it will do. */
function askedName(name: string): string {
  return name.replace(/^\*\./, "phoenix-probe.");
}

/** The answer of the site's own server. */
export async function lookAtServer(looking: Looking, hop: DnsHop): Promise<Finding> {
  const { facts } = looking;
  const name = askedName(hop.name);
  const seen = await facts.dns(name);
  if (!("value" in seen)) return seen.late === true ? unknown(seen.fault) : silentServer(looking, seen.fault);
  const { rcode, answers } = seen.value;
  const shown = answers.length > 0 ? answers.join(", ") : rcode === "NOERROR" ? "no address" : rcode;
  if (answers.length === 1 && answers[0] === hop.address) return ok(shown);
  const { address } = facts.site.hypervisor;
  const cause = `the name server at ${address} answers ${name} with ${shown}, expected ${hop.address}`;
  const lines = await linesAbout(looking, name, answers);
  const foreign = lines.find(({ file }) => !ours.includes(file));
  if (answers.length > 0 && foreign !== undefined) {
    const place = `${foreign.file}:${foreign.line}`;
    const details = [`${place} "${foreign.text}" answers for it`];
    const hint = `remove ${place}, then \`systemctl restart dnsmasq\`; or declare that address in the site`;
    return broken(shown, cause, { details, hint });
  }
  const own = lines.filter(({ file, text }) => ours.includes(file) && text.includes(hop.address));
  if (own.length > 0) {
    const down = await unitDown(looking, "pve", "dnsmasq");
    const details = [
      down?.cause ?? `${own[0]?.file}:${own[0]?.line} has the record, and dnsmasq does not serve it`,
    ];
    const hint =
      down === undefined
        ? "`systemctl restart dnsmasq` reads it again"
        : "another program answers on port 53: `ss -lntup` shows which";
    return broken(shown, cause, { details, hint });
  }
  const details = [`${hop.name.startsWith("*.") ? paths.wildcards : paths.records} does not have the record`];
  return broken(shown, cause, { details, hint: "`phoenix sync dns` puts it back" });
}

const ours: readonly string[] = [paths.records, paths.wildcards, paths.configuration];

async function silentServer(looking: Looking, fault: string): Promise<Finding> {
  const { facts } = looking;
  const { address } = facts.site.hypervisor;
  const down = await unitDown(looking, "pve", "dnsmasq");
  if (down !== undefined) return { ...down, seen: "no answer" };
  const others = (await facts.listeners("pve"))?.filter(
    ({ port, program }) => port === 53 && program !== "dnsmasq",
  );
  const details =
    others?.slice(0, 1).map(({ program, pid }) => `${program} (pid ${pid}) listens on port 53`) ?? [];
  const hint =
    "`journalctl -u dnsmasq` on the hypervisor shows what it did last; `systemctl restart dnsmasq`";
  return broken("no answer", `the name server at ${address} does not answer: ${fault}`, { details, hint });
}

interface LineAbout {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Lines of what dnsmasq reads, and of /etc/hosts, that name it; those that give what was answered come first. */
async function linesAbout(
  { facts }: Looking,
  name: string,
  answers: readonly string[],
): Promise<readonly LineAbout[]> {
  const host = facts.io.host("pve");
  const read = await facts.ask("dnsmasq files", async () => {
    const directories = ["/etc/dnsmasq.d", paths.hostsDirectory];
    const names = await Promise.all(
      directories.map(async (directory) =>
        (await host.list(directory)).map((file) => `${directory}/${file}`),
      ),
    );
    return host.readFiles([...names.flat(), "/etc/dnsmasq.conf", "/etc/hosts"]);
  });
  if (!("value" in read)) return [];
  const parents = name.split(".").map((_, at, labels) => labels.slice(at).join("."));
  const isAbout = (text: string): boolean => {
    const words = text.toLowerCase().split(/[\s=,/]+/);
    return (
      words.includes(name) ||
      (/^(?:address|server|local)=/.test(text) && parents.slice(0, -1).some((each) => words.includes(each)))
    );
  };
  const lines = [...read.value].flatMap(([file, { text }]) =>
    text.split("\n").flatMap((raw, at): LineAbout[] => {
      const line = raw.replace(/(?:^|\s)#.*/, "").trim();
      return line !== "" && isAbout(line) ? [{ file, line: at + 1, text: line }] : [];
    }),
  );
  const tells = ({ text }: LineAbout): boolean => answers.some((answer) => text.includes(answer));
  return [...lines.filter(tells), ...lines.filter((line) => !tells(line))].filter(
    (line) => answers.length === 0 || tells(line) || !ours.includes(line.file),
  );
}

/** What a guest gets from its own resolvers. @param asked the operator asked for this guest's view */
export async function lookFromGuest(
  looking: Looking,
  hop: DnsHop,
  guest: GuestName,
  asked: boolean,
): Promise<Finding> {
  const { facts } = looking;
  const name = askedName(hop.name);
  const state = await facts.guestState(guest);
  if (state !== undefined && state !== "running") return unknown(`guest ${state}`);
  const found = await facts.resolution(guest, name);
  if (!("value" in found)) return unknown(found.fault);
  const { resolvers, answers, without } = found.value;
  const from = resolvers.length === 0 ? "" : ` from ${resolvers.join(", ")}`;
  if (without === "unknown") return unknown(`asks ${resolvers.join(", ")}; it has no getent`);
  if (answers.length > 0 && answers.every((answer) => answer === hop.address))
    return ok(`${hop.address}${from}`);
  const shown = `${answers.join(", ") || (without === "silent" ? "no answer" : "unknown name")}${from}`;
  const server = await facts.dns(name);
  const isServerFine = "value" in server && server.value.answers.join() === hop.address;
  if (!isServerFine) return affected(shown);
  return (asked ? broken : degraded)(
    shown,
    `${describeHost(facts.site, guest)} resolves ${name} to ${shown}, expected ${hop.address}`,
    {
      ...(await whyOther(looking, guest, name, found.value)),
    },
  );
}

async function whyOther(
  { facts }: Looking,
  host: GuestName,
  name: string,
  { resolvers, answers }: Resolution,
): Promise<{ details: readonly string[]; hint: string }> {
  const hosts = ((await facts.text(host, "/etc/hosts")) ?? "").split("\n");
  const line = hosts.findIndex((text) => text.replace(/#.*/, "").trim().split(/\s+/).slice(1).includes(name));
  if (line >= 0 && answers.length > 0)
    return {
      details: [
        `/etc/hosts:${line + 1} in ${describeHost(facts.site, host)} says "${(hosts[line] ?? "").trim()}"`,
      ],
      hint: `remove that line of /etc/hosts in ${host}`,
    };
  const { address } = facts.site.hypervisor;
  const others = resolvers.filter((each) => each !== address);
  const guest = guestOf(facts.site, host);
  const set =
    guest?.kind === "lxc"
      ? `: \`pct set ${guest.id} --nameserver ${address}\``
      : `: \`qm set ${guest?.id} --nameserver ${address}\``;
  if (others.length > 0 || resolvers.length === 0) {
    const asks =
      resolvers.length === 0
        ? "no resolver is configured there"
        : `it asks ${resolvers.join(", ")}, expected ${address} alone`;
    return { details: [`${asks} (/etc/resolv.conf)`], hint: `make ${address} its only name server${set}` };
  }
  return {
    details: [`it asks ${address}, and gets no answer from there`],
    hint: "the hypervisor's firewall must accept port 53 from the guest: `phoenix verify firewall`",
  };
}
