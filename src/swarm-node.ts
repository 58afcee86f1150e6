/** A node of a Swarm, as Docker's API tells it (`GET /nodes`, Docker 26.1), asked directly or through Portainer. */
export interface SwarmNode {
  readonly id: string;
  /** The machine's own host name. */
  readonly name: string;
  readonly role: "manager" | "worker";
  /** "active", "pause" or "drain". */
  readonly availability: string;
  /** "ready", "down" or "unknown"; "ready" does not prove that its overlay networks work. */
  readonly state: string;
  /** Of managers: "reachable", "unreachable"; "" of workers. */
  readonly reachability: string;
  readonly isLeader: boolean;
  readonly address: string;
  /** "linux". */
  readonly os: string;
  readonly labels: Readonly<Record<string, string>>;
}
