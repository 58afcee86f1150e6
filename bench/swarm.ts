/** A Swarm of a generated site: five virtual machines, and any number of stacks with one service each. */

/** Where Docker's volumes and the members' own ids are: 911 to 915. */
const firstMember = 911;
const members = 5;
const managers = 3;

/** Ports of the stacks on every member, by the routing mesh. */
const firstPort = 20_000;

export const swarmName = "oak";

/** @param address of the machine with this number on the site's network */
export function swarmMachines(
  address: (host: number) => string,
  volumes: (id: number) => unknown,
  rules: readonly unknown[],
): readonly unknown[] {
  return Array.from({ length: members }, (_, at) => ({
    vmid: firstMember + at,
    name: `member${at}`,
    portainer_role: "agent",
    swarm: swarmName,
    swarm_role: at < managers ? "manager" : "worker",
    network_config: { ip: `${address(10 + at)}/16`, gw: "10.8.0.1" },
    volumes: volumes(firstMember),
    firewall: { enabled: true, rules },
  }));
}

export function stackName(at: number): string {
  return `stack${String(at).padStart(3, "0")}`;
}

export function swarmCompose(at: number): string {
  return `services:
  web:
    image: registry.example.net/web:1.4
    ports:
      - "${firstPort + at}:8080"
    deploy:
      replicas: 2
`;
}

export function swarmStack(at: number, domain: string): unknown {
  const name = stackName(at);
  const labels = [
    "traefik.enable=true",
    `traefik.http.routers.${name}.rule=Host(\`${name}.${domain}\`)`,
    `traefik.http.routers.${name}.entrypoints=web`,
    `traefik.http.services.${name}.loadbalancer.server.port=8080`,
  ];
  return {
    description: "A page.",
    environments: { production: { services: { web: { traefik_labels: labels } } } },
  };
}
