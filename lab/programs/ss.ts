/** ss of iproute2 (6.1) as far as it lists listeners: `ss -Hlntup sport = :53`. */
import { loadedDnsmasq } from "../dns/dnsmasq-config.ts";
import { type Listener, listenersOn } from "../listeners.ts";
import { done, type Program } from "../parts.ts";
import { isActive, unitOn } from "../units.ts";

export const ss: Program = ({ context, host, args }) => {
  const port = Number(/:(\d+)$/.exec(args.join(" "))?.[1] ?? Number.NaN);
  const own: Listener[] = [];
  if (host === "pve" && isActive(context, host, "dnsmasq")) {
    const addresses = loadedDnsmasq(context).filter(({ name }) => name === "listen-address");
    const pid = unitOn(context, host, "dnsmasq")?.mainPid ?? 0;
    for (const { value } of addresses.length === 0 ? [{ value: "0.0.0.0" }] : addresses)
      for (const protocol of ["udp", "tcp"] as const)
        own.push({ program: "dnsmasq", pid, protocol, address: value, port: 53 });
  }
  // Portainer and its agents are containers: they listen once they run.
  const { portainer, agents, services } = context.facts;
  const inContainers = [...(portainer === undefined ? [] : [portainer]), ...agents];
  for (const { name, host: at, port: listened } of services)
    if (at === host && !inContainers.some((each) => each.host === host && each.port === listened))
      own.push({
        program: name.slice(0, 15),
        pid: 900 + listened,
        protocol: "tcp",
        address: "0.0.0.0",
        port: listened,
      });
  const lines = [...own, ...listenersOn(context, host)]
    .filter((each) => Number.isNaN(port) || each.port === port)
    .map(({ program, pid, protocol, address, port: at }) => {
      const state = protocol === "udp" ? "UNCONN 0      0     " : "LISTEN 0      32    ";
      return `${protocol}   ${state} ${address}:${at}      0.0.0.0:*    users:(("${program}",pid=${pid},fd=4))\n`;
    });
  return done(lines.join(""));
};
