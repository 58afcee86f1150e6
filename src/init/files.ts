/** The files of a new site. Pure, but for the password that it is given. */
import { ports } from "../fabric/ports.ts";
import { editorFiles, type NewFile, schemaReference } from "../site/shapes/editor.ts";
import { siteFiles } from "../site/shapes/files.ts";
import { fileShapes } from "../site/shapes/schemas.ts";
import { type Draft, type DraftGuest, guestOf, networkOf } from "./draft.ts";
import type { Part } from "./parts.ts";
import { noted, printFile, type Written } from "./print.ts";

type Members = Readonly<Record<string, Written>>;

const portainerStack = "portainer_service";
const passwordFile = "secrets/portainer_admin_password";

/** The versions that a new site starts with; docs/site.md says how an image is updated. */
const images = { server: "portainer/portainer-ce:2.39.0", agent: "portainer/agent:2.39.0" } as const;

/**
 * The files of a site for a completed draft.
 * @param password a new password for Portainer's administrator
 */
export function filesOf(draft: Draft, password: string): readonly NewFile[] {
  const has = (part: Part): boolean => draft.parts.includes(part);
  return [
    { path: siteFiles.hypervisor, text: hypervisorFile(draft) },
    { path: siteFiles.lxc, text: containersFile(draft) },
    { path: siteFiles.vm, text: machinesFile(draft) },
    ...(has("gateway") || has("portainer")
      ? [{ path: siteFiles.certificates, text: certificatesFile(draft) }]
      : []),
    ...(has("portainer") ? portainerFiles(password) : []),
    ...editorFiles(),
    { path: ".gitignore", text: "# Passwords stay on this machine.\n/secrets/\n" },
  ];
}

/** A member of an object, when its condition holds. */
function when(condition: boolean, members: Members): Members {
  return condition ? members : {};
}

function hypervisorFile(draft: Draft): string {
  const { domain, bridge, address, prefix, parts } = draft;
  const has = (part: Part): boolean => parts.includes(part);
  const value: Members = {
    $schema: schemaReference("hypervisor"),
    domain_name: domain,
    network: {
      interfaces: { name: bridge, address: `${address}/${prefix}` },
      ...when(has("portainer"), { nfs_server: address }),
    },
    ...when(has("dns"), {
      dns_server: {
        enabled: true,
        upstream_servers: ["9.9.9.9", "149.112.112.112"],
        dns_records: noted(
          'Names of machines that are no guests, like a router: { "name": "router", "ip": "…" }. A name without a dot gets the domain.',
          [],
        ),
      },
    }),
    ...when(has("firewall"), { firewall: hypervisorFirewall(draft) }),
    ...when(has("ca"), { step_ca: { dns_name: `ca.${domain}`, provisioner_name: `admin@${domain}` } }),
    ...when(has("portainer"), {
      docker: { portainer_agent_image: images.agent },
      portainer_api: {
        admin_user: "admin",
        admin_password: `file:${passwordFile}`,
        portainer_hostname: `portainer.${domain}`,
      },
    }),
  };
  return printFile(value, fileShapes.hypervisor.shape, [
    "The hypervisor, and what the site has as a whole. `phoenix check` proves these files; docs/keys.md lists every key.",
  ]);
}

function hypervisorFirewall(draft: Draft): Members {
  const lan = networkOf(draft);
  const fromLan = (proto: string, port: string | undefined, comment: string): Members => ({
    type: "in",
    action: "ACCEPT",
    proto,
    ...(port === undefined ? {} : { port }),
    source: lan,
    comment,
  });
  return {
    enabled: true,
    default_input_policy: "DROP",
    default_output_policy: "ACCEPT",
    global_firewall_rules: noted(
      "Rules for the hypervisor itself. What the services of this site need is opened without a rule; the plan shows it.",
      [
        fromLan("tcp", "22,8006", "ssh and the web interface"),
        ...(draft.parts.includes("dns")
          ? [fromLan("udp", "53", "DNS"), fromLan("tcp", "53", "DNS, long answers")]
          : []),
        fromLan("icmp", undefined, "ping"),
      ],
    ),
  };
}

function containersFile(draft: Draft): string {
  const containers = draft.guests.filter(({ kind }) => kind === "lxc");
  const value: Members = {
    $schema: schemaReference("lxc"),
    lxc_configs: Object.fromEntries(
      containers.map((guest) => [String(guest.id), withOrigin(guest, guestMembers(draft, guest))]),
    ),
  };
  return printFile(value, fileShapes.lxc.shape, ["The containers by their ids."]);
}

function machinesFile(draft: Draft): string {
  const machines = draft.guests.filter(({ kind }) => kind === "vm");
  const value: Members = {
    $schema: schemaReference("vm"),
    vms: machines.map((guest) => withOrigin(guest, { vmid: guest.id, ...guestMembers(draft, guest) })),
  };
  return printFile(value, fileShapes.vm.shape, ["The virtual machines."]);
}

const roleNotes: Readonly<Record<NonNullable<DraftGuest["role"]>, string>> = {
  ca: "The CA (Step-CA): it signs the certificates of the services.",
  gateway: "The gateway (Nginx): every request comes in here.",
  mesh: "The mesh (Traefik): it knows which guest serves which name.",
  portainer: "Portainer: it runs the stacks of the directory stacks/.",
};

/** Says what a guest is for, and whether somebody still has to make it. */
function withOrigin(guest: DraftGuest, members: Members): Written {
  const role = guest.role === undefined ? undefined : roleNotes[guest.role];
  const kind = guest.kind === "lxc" ? "container" : "virtual machine";
  const task = guest.planned && `Phoenix does not create guests: create this ${kind} first.`;
  return noted([role, task].filter(Boolean).join(" "), members);
}

function guestMembers(draft: Draft, guest: DraftGuest): Members {
  const { name, address, role, port, template } = guest;
  const has = (part: Part): boolean => draft.parts.includes(part);
  const isRouted = port !== undefined && has("gateway");
  return {
    name,
    ...when(template === true, { is_template: true }),
    ...when(role !== undefined && role !== "portainer", { fabric_role: role ?? "" }),
    network_config: { ip: address === undefined ? "dhcp" : `${address}/${draft.prefix}` },
    ...when(isRouted, { traefik_service: { name, port: port ?? 0 } }),
    ...roleMembers(draft, guest),
    ...when(has("firewall") && template !== true, { firewall: guestFirewall(draft, guest) }),
  };
}

function roleMembers(draft: Draft, guest: DraftGuest): Members {
  switch (guest.role) {
    case "ca":
      return { traefik_service: { name: "ca", port: 9000 } };
    case "gateway": {
      const { hostPath, guestPath } = certificateMount(draft, guest);
      return { mount_points: [{ host_path: hostPath, container_path: guestPath }] };
    }
    case "portainer":
      return {
        portainer_role: "primary",
        traefik_service: { name: "portainer", port: ports.portainer },
        volumes: [
          {
            type: "nfs",
            name: "persistent-storage",
            path: shareOf(draft, guest),
            mount_point: "/persistent-storage",
          },
        ],
        docker_stacks: [portainerStack],
      };
    default:
      return {};
  }
}

/** The directory on the hypervisor that holds a guest's data. */
function shareOf({ storage }: Draft, { kind, id }: DraftGuest): string {
  return `${storage}/${kind}-${id}`;
}

/** Where the gateway's certificate is, on the hypervisor and in the gateway. */
function certificateMount(draft: Draft, gateway: DraftGuest): { hostPath: string; guestPath: string } {
  const own = gateway.mounts?.find(({ guestPath }) => /^\/etc\/nginx(?:\/|$)/.test(guestPath));
  return own ?? { hostPath: `${shareOf(draft, gateway)}/ssl`, guestPath: "/etc/nginx/ssl" };
}

function guestFirewall(draft: Draft, { role, port }: DraftGuest): Written {
  const lan = networkOf(draft);
  const open = (proto: string, ports: string, source: string, comment: string): Members => ({
    ...{ type: "in", action: "ACCEPT", proto, port: ports, source, comment },
  });
  const ssh = open("tcp", "22", draft.address, "ssh from the hypervisor");
  if (role === "gateway")
    return { enabled: true, rules: [open("tcp", "80,443", lan, "requests from the network"), ssh] };
  if (role !== undefined) return { enabled: true, rules: [ssh] };
  if (port === undefined)
    return noted(`Off. Give it "rules" for the ports that this guest serves, then say true.`, {
      enabled: false,
    });
  // The way from the mesh is opened without a rule.
  if (draft.parts.includes("gateway")) return { enabled: true, rules: [ssh] };
  return { enabled: true, rules: [open("tcp", String(port), lan, "its service, from the network"), ssh] };
}

function certificatesFile(draft: Draft): string {
  const { domain } = draft;
  const gateway = guestOf(draft, "gateway");
  const portainer = guestOf(draft, "portainer");
  const certificates: Written[] = [];
  if (gateway !== undefined)
    certificates.push(
      noted("The gateway's. Phoenix adds every name that the gateway serves.", {
        common_name: `gateway.${domain}`,
        cert_path: `${certificateMount(draft, gateway).hostPath}/gateway.crt`,
        key_path: `${certificateMount(draft, gateway).hostPath}/gateway.key`,
        owner: "root:www-data",
        permissions: "640",
        post_renewal_command: `pct exec ${gateway.id} -- systemctl reload nginx`,
      }),
    );
  if (portainer !== undefined)
    certificates.push(
      noted("Portainer's, on the share of its virtual machine.", {
        common_name: `portainer.${domain}`,
        cert_path: `${shareOf(draft, portainer)}/portainer/certs/portainer.crt`,
        key_path: `${shareOf(draft, portainer)}/portainer/certs/portainer.key`,
        post_renewal_command: `qm guest exec ${portainer.id} -- docker restart portainer_server`,
      }),
    );
  const value: Members = { $schema: schemaReference("certificates"), certificates };
  return printFile(value, fileShapes.certificates.shape, [
    "The certificates that the CA signs and Phoenix renews.",
  ]);
}

function portainerFiles(password: string): readonly NewFile[] {
  const stack: Members = {
    $schema: schemaReference("stack"),
    description:
      "Portainer itself: Phoenix runs this Compose file on the virtual machine with the primary role.",
  };
  const compose = `services:
  portainer:
    image: ${images.server}
    container_name: portainer_server
    restart: always
    ports:
      - "${ports.portainer}:${ports.portainer}"
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - portainer_data:/data

# Phoenix makes this volume on the share of the virtual machine.
volumes:
  portainer_data:
    external: true
`;
  return [
    { path: `stacks/${portainerStack}/docker-compose.yml`, text: compose },
    {
      path: `stacks/${portainerStack}/phoenix.json`,
      text: printFile(stack, fileShapes.stack.shape, [`A stack: this file beside its Compose file.`]),
    },
    { path: passwordFile, text: `${password}\n`, secret: true },
  ];
}
