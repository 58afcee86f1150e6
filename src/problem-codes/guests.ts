/** PHX02xx: guests, their addresses and their roles. */
import { both, error, warning } from "./kind.ts";

export const guestCodes = {
  PHX0201: error`guest without an id, or with two
    A guest in a list has no id, or a guest's own id differs from the key that it is listed under.
    Give the guest one id: "ctid" for a container, "vmid" for a virtual machine.`,
  PHX0202: error`duplicate guest id
    Two guests have the same id. Proxmox gives an id to one container or virtual machine only.
    Give one of them another id.`,
  PHX0203: error`duplicate address
    Two guests have the same IPv4 address.
    Give one of them a free address.`,
  PHX0204: error`duplicate guest name
    Two guests get the same host name in DNS. Characters that host names cannot have become hyphens.
    Give one of them another name.`,
  PHX0205: error`address outside the network
    An address is not in the hypervisor's network, or it is the address of the network itself or its broadcast address.
    Use a free address of the hypervisor's network.`,
  PHX0206: error`address already in use
    A guest has the address of the hypervisor or of the router.
    Give the guest a free address.`,
  PHX0207: error`invalid address
    A value is not an IPv4 address. The hypervisor's address also needs a prefix length, and only one of its interfaces may have
    an address.
    Write it like 10.0.0.12/24. A guest may have "dhcp" instead.`,
  PHX0208: both`invalid host name
    A name has characters that host names cannot have. For a guest's name this is a warning: DNS has it with hyphens instead.
    Use letters, digits and hyphens, at most 63 characters between two dots.`,
  PHX0209: warning`prefix lengths differ
    A guest's prefix length is not that of the hypervisor's network. One of them is probably a slip.
    Write the prefix length of the network in both places.`,
  PHX0210: error`role not assigned
    Something needs the gateway, the mesh or the CA, and no container has that role: a routed service, a certificate, step_ca.
    Name it in the entry of the container: "fabric_role": "gateway", "mesh" or "ca". "external": true in a service says that somebody else's proxy serves it.`,
  PHX0211: error`ambiguous role
    Several containers could have a role, or one container has two of the roles gateway, mesh and CA.
    Name the role in the entry of the right container: "fabric_role": "gateway", "mesh" or "ca".`,
  PHX0212: error`guest cannot have its role
    A guest that others must reach has no fixed address, or a virtual machine or template has the role of a container.
    Give the guest a fixed address in network_config.ip, or the role to another guest.`,
  PHX0213: error`invalid path
    A path is not absolute, or it contains \`..\` or control characters.
    Write the absolute path.`,
  PHX0214: error`incomplete NFS volume
    An NFS volume has no path, no mount point or no valid server.
    Add "path" and "mount_point", and "server" unless network.nfs_server is set.`,
  PHX0215: warning`unknown guest id
    A clone, a dependency or a shared volume names a guest that the site does not declare. A sync does not need that guest.
    Correct the id, or declare the guest.`,
  PHX0216: error`incomplete pair of gateways
    A standby gateway and the address that both gateways share need each other, and the standby must see the gateway's certificate.
    Declare network.gateway_address and one container with "fabric_role": "standby_gateway", with the gateway's mount points.`,
} as const;
