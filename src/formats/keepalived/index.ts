/** keepalived's configuration of one machine of a pair (2.2 and 2.3, Debian 12 and 13). Pure. */

export interface PairMember {
  /** The name of the machine, for the logs of both. */
  readonly name: string;
  readonly interface: string;
  /** Its own address. */
  readonly address: string;
  /** The other machine's address. */
  readonly peer: string;
  /** Of both machines: which pair it is on this network, 1 to 255. */
  readonly routerId: number;
  /** The higher one has the shared address when both start together: 1 to 254. */
  readonly priority: number;
  /** The shared address with its prefix length. */
  readonly shared: string;
  /** The unit without which the machine gives the address up: "nginx". */
  readonly unit: string;
}

/**
 * Both begin as BACKUP with `nopreempt`: an address that has moved stays where it is, so that a gateway that comes back costs
 * clients no second interruption. Advertisements are unicast: a firewall can name who sends them, and another pair on the network
 * with the same id is not met.
 */
export function keepalivedConf(member: PairMember): string {
  return `# Written by phoenix. It is replaced as a whole.
global_defs {
  router_id ${member.name}
  script_user root
  enable_script_security
}

vrrp_script phoenix_${member.unit} {
  script "/usr/bin/systemctl is-active --quiet ${member.unit}.service"
  interval 1
  timeout 2
  fall 2
  rise 2
}

vrrp_instance phoenix {
  state BACKUP
  nopreempt
  interface ${member.interface}
  virtual_router_id ${member.routerId}
  priority ${member.priority}
  advert_int 1
  unicast_src_ip ${member.address}
  unicast_peer {
    ${member.peer}
  }
  virtual_ipaddress {
    ${member.shared} dev ${member.interface}
  }
  track_script {
    phoenix_${member.unit}
  }
}
`;
}

/** What a configuration of ours says, by keyword: "priority" -> "150". */
export function keepalivedUnits(text: string): Readonly<Record<string, string>> {
  const value = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? "not set";
  return {
    address: value(/virtual_ipaddress \{\s*(\S+)/),
    interface: value(/^\s*interface (\S+)/m),
    peer: value(/unicast_peer \{\s*(\S+)/),
    priority: value(/^\s*priority (\S+)/m),
    pair: value(/^\s*virtual_router_id (\S+)/m),
  };
}
