/**
 * What breaks on the way to a name of examples/homelab, one fault for each hop and kind, and what `phoenix trace` must say of it.
 * Written before the code that diagnoses it. One table for the lab and the real machines of the testbed.
 */
import type { HopKind } from "../../src/fabric/hop.ts";
import type { HostName } from "../../src/resource.ts";

/** What somebody does to the machines without Phoenix. Edited and written files are put back when the fault is healed. */
export interface Hands {
  /** @throws Error when it fails */
  run(host: HostName, ...argv: readonly string[]): Promise<string>;
  edit(host: HostName, path: string, change: (text: string) => string): Promise<void>;
  write(host: HostName, path: string, text: string): Promise<void>;
  /** A certificate for these names that nobody issued but itself, and its key. */
  selfSigned(
    names: readonly string[],
    validFrom: Date,
    validTo: Date,
  ): Promise<{ cert: string; key: string }>;
}

export interface PlantedFault {
  /** What happened, in a few words. */
  readonly what: string;
  /** The arguments of `trace`. */
  readonly trace: readonly string[];
  /** The hop that must be named, and its host. */
  readonly hop: HopKind;
  readonly host: HostName;
  /** Part of what must be said about it. */
  readonly says: RegExp;
  /** Part of the line that declares it: `file:line` must lead to a line with this. */
  readonly line: string | RegExp;
  /** Part of what there is to do. */
  readonly hint: RegExp;
  readonly plant: (hands: Hands) => Promise<unknown>;
  /** What brings it back once the files are as they were. */
  readonly heal?: (hands: Hands) => Promise<unknown>;
  /** Where it cannot be planted otherwise. */
  readonly only?: "lab" | "testbed";
}

const wiki = "wiki.oak.home.arpa";
const wikiRule = "traefik.http.routers.wiki.rule";
const files = {
  records: "/etc/phoenix/hosts.d/phoenix.hosts",
  cluster: "/etc/pve/firewall/cluster.fw",
  routes: "/etc/traefik/dynamic/dynamic_conf.yml",
  certificate: "/mnt/pve/tank/lxc-persistent-data/210/ssl/gateway.crt",
  key: "/mnt/pve/tank/lxc-persistent-data/210/ssl/gateway.key",
} as const;

const unit =
  (host: HostName, verb: string, name: string) =>
  ({ run }: Hands): Promise<string> =>
    run(host, "systemctl", verb, name);

const reloadNginx = unit("lxc/210", "reload", "nginx");

interface Dynamic {
  readonly http: {
    readonly routers: Record<string, Record<string, unknown>>;
    readonly services: Record<string, { loadBalancer: { servers: { url: string }[] } }>;
  };
}

const inRoutes =
  (change: (dynamic: Dynamic) => void) =>
  ({ edit }: Hands): Promise<void> =>
    edit("lxc/211", files.routes, (text) => {
      const dynamic = JSON.parse(text) as Dynamic;
      change(dynamic);
      return JSON.stringify(dynamic, null, 2);
    });

const wikiRouter = (members: Readonly<Record<string, unknown>>) =>
  inRoutes(({ http }) => Object.assign(http.routers["wiki-wiki"] ?? {}, members));

const day = 86_400_000;

/** Another container in the place of one of a stack, which waits aside. */
const instead =
  (host: HostName, name: string, ...options: readonly string[]) =>
  async ({ run }: Hands): Promise<void> => {
    await run(host, "docker", "stop", "--time", "1", name);
    await run(host, "docker", "rename", name, `${name}-aside`);
    await run(host, "docker", "run", "--detach", "--name", name, ...options);
  };

const back =
  (host: HostName, name: string) =>
  async ({ run }: Hands): Promise<void> => {
    await run(host, "docker", "rm", "--force", name);
    await run(host, "docker", "rename", `${name}-aside`, name);
    await run(host, "docker", "start", name);
  };

const composeLabels = (project: string, service: string): readonly string[] => [
  ...["--label", `com.docker.compose.project=${project}`],
  ...["--label", `com.docker.compose.service=${service}`],
];

const foreignBlock = `server {
  listen 443 ssl;
  server_name ${wiki};
  ssl_certificate /etc/nginx/ssl/gateway.crt;
  ssl_certificate_key /etc/nginx/ssl/gateway.key;
  location / { return 418; }
}
`;

export const plantedFaults: readonly PlantedFault[] = [
  {
    what: "the record is gone",
    trace: [wiki],
    hop: "dns",
    host: "pve",
    says: /NXDOMAIN/,
    line: wikiRule,
    hint: /phoenix sync dns/,
    plant: ({ edit }) =>
      edit("pve", files.records, (text) => text.replace(/^.*\bwiki\.oak\.home\.arpa\n/m, "")),
  },
  {
    what: "somebody else's line answers for the name",
    trace: ["media.oak.home.arpa"],
    hop: "dns",
    host: "pve",
    says: /192\.168\.40\.99.*\/etc\/dnsmasq\.d\/lan\.conf:1/s,
    line: '"name": "media", "port": 8096',
    hint: /lan\.conf/,
    plant: async (hands) => {
      await hands.write("pve", "/etc/dnsmasq.d/lan.conf", "host-record=media.oak.home.arpa,192.168.40.99\n");
      await hands.run("pve", "systemctl", "restart", "dnsmasq");
    },
    heal: unit("pve", "restart", "dnsmasq"),
  },
  {
    what: "dnsmasq is stopped",
    trace: [wiki],
    hop: "dns",
    host: "pve",
    says: /dnsmasq is stopped/,
    line: wikiRule,
    hint: /systemctl start dnsmasq/,
    plant: unit("pve", "stop", "dnsmasq"),
    heal: unit("pve", "start", "dnsmasq"),
  },
  {
    what: "a guest asks another resolver",
    trace: [wiki, "--from", "lxc/220"],
    hop: "dns",
    host: "lxc/220",
    says: /192\.0\.2\.53/,
    line: wikiRule,
    hint: /192\.168\.40\.2/,
    plant: ({ write }) =>
      write("lxc/220", "/etc/resolv.conf", "nameserver 192.0.2.53\noptions timeout:1 attempts:1\n"),
  },
  {
    what: "the mesh's own hosts file names another address",
    trace: [wiki],
    hop: "dns",
    host: "lxc/211",
    says: /192\.168\.40\.77.*\/etc\/hosts/s,
    line: wikiRule,
    hint: /\/etc\/hosts/,
    plant: ({ edit }) => edit("lxc/211", "/etc/hosts", (text) => `${text}192.168.40.77 ${wiki}\n`),
  },
  {
    what: "a rule drops the gateway's port",
    trace: [wiki],
    hop: "tcp",
    host: "lxc/210",
    says: /\/etc\/pve\/firewall\/210\.fw:\d+ "IN DROP -p tcp -dport 443".*does not declare/s,
    line: '"port": "80,443"',
    hint: /210\.fw/,
    plant: ({ edit }) =>
      edit("pve", "/etc/pve/firewall/210.fw", (text) =>
        text.replace("[RULES]\n", "[RULES]\nIN DROP -p tcp -dport 443\n"),
      ),
  },
  {
    what: "the rule that lets the mesh in was removed",
    trace: [wiki],
    hop: "backend",
    host: "vm/311",
    says: /policy.*DROP|DROP.*policy/s,
    line: "the wiki, through the mesh",
    hint: /phoenix sync firewall/,
    plant: ({ edit }) => edit("pve", files.cluster, (text) => text.replaceAll(/^.*-dport 3080.*\n/gm, "")),
  },
  {
    what: "the gateway may not reach the mesh",
    trace: ["git.oak.home.arpa"],
    hop: "mesh",
    host: "lxc/211",
    says: /lxc\/210.*(?:DROP|dropped)/s,
    line: '"comment": "the gateway"',
    hint: /phoenix sync firewall/,
    plant: ({ edit }) =>
      edit("pve", files.cluster, (text) => text.replace(/^.*-dport 80 # the gateway\n/m, "")),
  },
  {
    what: "an interface has no firewall=1",
    trace: ["media.oak.home.arpa"],
    hop: "backend",
    host: "lxc/220",
    says: /net0.*firewall=1/,
    line: '"220": {',
    hint: /pct set 220 --net0/,
    plant: ({ edit }) => edit("pve", "/etc/pve/lxc/220.conf", (text) => text.replace(",firewall=1", "")),
  },
  {
    what: "the firewall is switched off for the cluster",
    trace: [wiki],
    hop: "tcp",
    host: "lxc/210",
    says: /cluster\.fw.*enable/s,
    line: '"firewall": {',
    hint: /phoenix sync firewall/,
    plant: ({ edit }) => edit("pve", files.cluster, (text) => text.replace("enable: 1", "enable: 0")),
  },
  {
    what: "a guest's firewall is switched off",
    trace: ["photos.oak.home.arpa"],
    hop: "backend",
    host: "lxc/221",
    says: /221\.fw.*enable/s,
    line: '"221": {',
    hint: /phoenix sync firewall/,
    plant: ({ edit }) =>
      edit("pve", "/etc/pve/firewall/221.fw", (text) => text.replace("enable: 1", "enable: 0")),
  },
  {
    what: "the certificate on disk is not the one that is served",
    trace: [wiki],
    hop: "tls",
    host: "lxc/210",
    says: /serial/,
    line: "post_renewal_command",
    hint: /systemctl reload nginx|phoenix sync certificates/,
    plant: async ({ selfSigned, write }) => {
      const { cert, key } = await selfSigned([wiki], new Date(Date.now() - day), new Date(Date.now() + day));
      await write("pve", files.certificate, cert);
      await write("pve", files.key, key);
    },
  },
  {
    what: "the served certificate has expired",
    trace: [wiki],
    hop: "tls",
    host: "lxc/210",
    says: /expired/,
    line: /\{/,
    hint: /phoenix sync certificates/,
    plant: async ({ selfSigned, write, run }) => {
      const { cert, key } = await selfSigned(
        [wiki],
        new Date(Date.now() - 3 * day),
        new Date(Date.now() - day),
      );
      await write("pve", files.certificate, cert);
      await write("pve", files.key, key);
      await run("lxc/210", "systemctl", "reload", "nginx");
    },
    heal: reloadNginx,
  },
  {
    what: "the name is not in the certificate",
    trace: [wiki],
    hop: "tls",
    host: "lxc/210",
    says: /wiki\.oak\.home\.arpa.*(?:not|without).*|does not name/s,
    line: /\{/,
    hint: /phoenix sync certificates/,
    plant: async ({ run, write }) => {
      const mesh = "/mnt/pve/tank/lxc-persistent-data/211/certs/mesh";
      await write("pve", files.certificate, await run("pve", "cat", `${mesh}.crt`));
      await write("pve", files.key, await run("pve", "cat", `${mesh}.key`));
      await run("lxc/210", "systemctl", "reload", "nginx");
    },
    heal: reloadNginx,
  },
  {
    what: "Nginx is stopped",
    trace: [wiki],
    hop: "gateway",
    host: "lxc/210",
    says: /nginx is stopped/,
    line: wikiRule,
    hint: /pct exec 210 -- systemctl start nginx/,
    plant: unit("lxc/210", "stop", "nginx"),
    heal: unit("lxc/210", "start", "nginx"),
  },
  {
    what: "another server block takes the name",
    trace: [wiki],
    hop: "gateway",
    host: "lxc/210",
    says: /\/etc\/nginx\/conf\.d\/other\.conf:1/,
    line: wikiRule,
    hint: /other\.conf/,
    plant: async (hands) => {
      await hands.write("lxc/210", "/etc/nginx/conf.d/other.conf", foreignBlock);
      await reloadNginx(hands);
    },
    heal: reloadNginx,
  },
  {
    what: "the name was taken out of Nginx's site",
    trace: [wiki],
    hop: "gateway",
    host: "lxc/210",
    says: /no server/,
    line: wikiRule,
    hint: /phoenix sync nginx/,
    plant: async (hands) => {
      const path = "/etc/nginx/sites-available/gateway";
      await hands.edit("lxc/210", path, (text) => text.replaceAll(/^ +wiki\.oak\.home\.arpa(;?)\n/gm, "$1"));
      await reloadNginx(hands);
    },
    heal: reloadNginx,
  },
  {
    what: "Traefik is stopped",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /traefik is stopped/,
    line: wikiRule,
    hint: /pct exec 211 -- systemctl start traefik/,
    plant: unit("lxc/211", "stop", "traefik"),
    heal: unit("lxc/211", "start", "traefik"),
  },
  {
    what: "a router names a service that is not there",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /wiki-wiki.*disabled.*does not exist/s,
    line: wikiRule,
    hint: /phoenix sync traefik/,
    plant: wikiRouter({ service: "nowhere" }),
  },
  {
    what: "a middleware is gone",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /middleware "wiki-wiki-headers@file" does not exist/,
    line: wikiRule,
    hint: /phoenix sync traefik/,
    plant: inRoutes(({ http }) => {
      delete (http as unknown as { middlewares: Record<string, unknown> }).middlewares["wiki-wiki-headers"];
    }),
  },
  {
    what: "a router listens on another entry point",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /entry point/,
    line: wikiRule,
    hint: /phoenix sync traefik/,
    plant: wikiRouter({ entryPoints: ["traefik"] }),
  },
  {
    what: "another router of higher priority takes the requests",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /router "thief@file".*priority/s,
    line: wikiRule,
    hint: /other\.yml/,
    plant: ({ write }) =>
      write(
        "lxc/211",
        "/etc/traefik/dynamic/other.yml",
        `http:
  routers:
    thief:
      rule: PathPrefix(\`/\`)
      priority: 5000
      entryPoints: [web]
      service: media
`,
      ),
  },
  {
    what: "the service leads to another backend",
    trace: [wiki],
    hop: "mesh",
    host: "lxc/211",
    says: /192\.168\.40\.31:3999/,
    line: wikiRule,
    hint: /phoenix sync traefik/,
    plant: inRoutes(({ http }) => {
      const [server] = http.services["wiki-wiki"]?.loadBalancer.servers ?? [];
      if (server !== undefined) server.url = "http://192.168.40.31:3999";
    }),
  },
  {
    what: "a container publishes another port",
    trace: [wiki],
    hop: "backend",
    host: "vm/311",
    says: /3081/,
    line: '"3080:3000"',
    hint: /phoenix sync stacks\/wiki/,
    plant: instead(
      "vm/311",
      "wiki-wiki-1",
      ...composeLabels("wiki", "wiki"),
      ...["--publish", "3081:3000", "requarks/wiki:2.5"],
    ),
    heal: back("vm/311", "wiki-wiki-1"),
  },
  {
    what: "a container is stopped",
    trace: [wiki],
    hop: "container",
    host: "vm/311",
    says: /wiki-wiki-1.*exited/s,
    line: /wiki:/,
    hint: /docker start wiki-wiki-1|phoenix sync stacks\/wiki/,
    plant: ({ run }) => run("vm/311", "docker", "stop", "--time", "1", "wiki-wiki-1"),
    heal: ({ run }) => run("vm/311", "docker", "start", "wiki-wiki-1"),
  },
  {
    what: "a container is gone",
    trace: ["stacks/status"],
    hop: "container",
    host: "vm/311",
    says: /no container/,
    line: /uptime:/,
    hint: /phoenix sync stacks\/status/,
    plant: ({ run }) => run("vm/311", "docker", "rm", "--force", "status-uptime-1"),
    only: "lab",
  },
  {
    what: "a container is unhealthy",
    trace: ["home.oak.home.arpa"],
    hop: "container",
    host: "vm/311",
    says: /homepage-web-1.*unhealthy/s,
    line: /web:/,
    hint: /docker logs|phoenix sync stacks\/homepage/,
    plant: instead(
      "vm/311",
      "homepage-web-1",
      ...composeLabels("homepage", "web"),
      ...["--publish", "8080:80"],
      ...["--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1", "nginx:1.27"],
    ),
    heal: back("vm/311", "homepage-web-1"),
    only: "testbed",
  },
  {
    what: "a container's guest is stopped",
    trace: ["media.oak.home.arpa"],
    hop: "backend",
    host: "lxc/220",
    says: /lxc\/220 \(media\) is stopped/,
    line: '"name": "media", "port": 8096',
    hint: /pct start 220/,
    plant: ({ run }) => run("pve", "pct", "stop", "220"),
    heal: ({ run }) => run("pve", "pct", "start", "220"),
  },
  {
    what: "the gateway's guest is stopped",
    trace: [wiki],
    hop: "tcp",
    host: "lxc/210",
    says: /lxc\/210 \(gateway\) is stopped/,
    line: '"210": {',
    hint: /pct start 210/,
    plant: ({ run }) => run("pve", "pct", "stop", "210"),
    heal: ({ run }) => run("pve", "pct", "start", "210"),
    only: "lab",
  },
  {
    what: "an agent has another secret",
    trace: ["agent-one.oak.home.arpa"],
    hop: "backend",
    host: "vm/311",
    says: /secret/,
    line: /portainer_agent|"vmid": 311|docker-one/,
    hint: /phoenix sync portainer/,
    plant: instead(
      "vm/311",
      "portainer_agent",
      // An agent without its engine's socket ends at once.
      ...["--volume", "/var/run/docker.sock:/var/run/docker.sock"],
      ...["--publish", "9001:9001", "--env", "AGENT_SECRET=another", "portainer/agent:2.39.0"],
    ),
    heal: back("vm/311", "portainer_agent"),
  },
  {
    what: "Portainer is stopped",
    trace: ["portainer.oak.home.arpa"],
    hop: "container",
    host: "vm/310",
    says: /portainer_server.*exited/s,
    line: /"vmid": 310|\{/,
    hint: /docker start portainer_server|phoenix sync portainer/,
    plant: ({ run }) => run("vm/310", "docker", "stop", "--time", "1", "portainer_server"),
    heal: ({ run }) => run("vm/310", "docker", "start", "portainer_server"),
  },
  {
    what: "the CA is stopped",
    trace: ["ca.oak.home.arpa"],
    hop: "backend",
    host: "lxc/212",
    says: /step-ca is stopped/,
    line: '"name": "ca", "port": 9000',
    hint: /pct exec 212 -- systemctl start step-ca/,
    plant: unit("lxc/212", "stop", "step-ca"),
    heal: unit("lxc/212", "start", "step-ca"),
  },
];
