/** PHX03xx: the domain, services and DNS records. */
import { both, error, warning } from "./kind.ts";

export const serviceCodes = {
  PHX0301: error`invalid domain
    domain_name is not a domain name.
    Use letters, digits and hyphens between dots: internal.example.net.`,
  PHX0302: error`invalid service name
    A service's name or host name has characters that host names cannot have.
    Use letters, digits and hyphens.`,
  PHX0303: error`duplicate host name
    Two services claim the same host name, and their rules do not separate their requests. One of them would never be reached.
    Give one of them another host name, or rules with different paths or priorities.`,
  PHX0304: error`duplicate service id
    Two services get the same id. The id names a service's router and comes from its name.
    Give one of them another name.`,
  PHX0305: error`incomplete DNS record
    A DNS record has no name or no IPv4 address.
    Write it like {"name": "nas", "ip": "10.0.0.20"}.`,
  PHX0306: error`DNS record contradicts a service
    A DNS record has the host name of a service and another address than the service needs.
    Remove the record. Services get their DNS records without one.`,
  PHX0307: error`invalid upstream server
    dns_server has no upstream server, one that is not an address, or itself, which would be a forwarding loop.
    Name resolvers outside the site: "upstream_servers": ["9.9.9.9"].`,
  PHX0308: both`unreachable service
    A service is on a guest without a fixed address (an error), or on a template, which never runs (a warning).
    Give the guest a fixed address in network_config.ip, or remove the service.`,
  PHX0309: error`invalid size or time
    An option of a service is not a valid size or time.
    Write a size like "16m" and a time like "10m". A time is from one second to one year.`,
  PHX0310: warning`DNS name with several addresses
    A name has several DNS records with different addresses. Clients get all of them, and take one or the other.
    Keep one record of each name. Upper and lower case are one name.`,
  PHX0311: warning`domain below .local
    Names below .local belong to multicast DNS (RFC 6762): many systems never ask a DNS server for them.
    Use home.arpa or a domain of your own.`,
  PHX0312: error`DNS records without a DNS server
    Records are declared in dns_records, and dns_server is not: nothing would serve them.
    Declare dns_server. With {"enabled": false} somebody else serves the records.`,
  PHX0313: error`unknown node
    dns_server.nodes names no node, or one that the Proxmox cluster does not have. The second is found when the cluster is asked.
    Name nodes as the cluster calls them: pvecm nodes lists them. Without the key, all nodes run the name server.`,
} as const;
