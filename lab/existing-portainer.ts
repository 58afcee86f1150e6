/** A Portainer that somebody else runs, as it is before Phoenix comes: its container, its administrator, its environments. */
import { createHash, X509Certificate } from "node:crypto";
import type { ExternalPortainer } from "../src/external-portainer.ts";
import type { Site } from "../src/model.ts";
import type { GuestName } from "../src/resource.ts";
import { LabDocker } from "./docker.ts";
import type { Lab } from "./parts.ts";
import { type Endpoint, hashPassword, openDatabase } from "./portainer/database.ts";
import { servedPairOf } from "./portainer/start.ts";
import { selfSigned } from "./self-signed.ts";

const container = "portainer";
const agentPort = 9001;

/** The fingerprints by which the site knows certificates, and those that the lab's servers have in their place. */
const pins = "pins";

/** A real server's certificate is not the lab's: what the site declares stands for what the lab made in its place. */
export function pinnedIn({ store }: Pick<Lab, "store">, fingerprint: string): string {
  return store.read<Readonly<Record<string, string>>>(pins)?.[fingerprint] ?? fingerprint;
}

/** Runs it where the site says that it is; nothing when that is no guest of the site. Docker must run there. */
export async function furnishExternalPortainer(lab: Lab, site: Site): Promise<void> {
  const external = site.externalPortainer;
  const host = site.guests.find(({ address, template }) => !template && address === external?.address)?.host;
  if (external === undefined || host === undefined) return;
  const docker = new LabDocker(lab, host);
  if (docker.find(container) !== undefined) return;
  const volumes = ["/var/run/docker.sock:/var/run/docker.sock", `${container}_data:/data`];
  const published = ["--publish", `${external.port}:9443`];
  const mounted = volumes.flatMap((volume) => ["--volume", volume]);
  const image = "portainer/portainer-ce:2.39.0";
  await dockerRun(lab, host, ["--name", container, ...published, ...mounted, image]);
  const found = docker.find(container);
  if (found === undefined) return;
  const directory = docker.dataOf(found);
  const { cert } = servedPairOf(directory, await selfSigned(["localhost"]));
  const { fingerprint } = external;
  const actual = new X509Certificate(cert).fingerprint256.replaceAll(":", "");
  if (fingerprint !== undefined) lab.store.write(pins, { [fingerprint]: actual });
  const endpoints = await endpointsOf(lab, site, host);
  openDatabase(directory).write({
    ...ownerOf(lab, external),
    endpoints,
    last: { endpoint: endpoints.length, stack: 0, tag: 0, apiKey: 1 },
  });
}

function ownerOf(lab: Lab, { adminUser, adminPassword, apiKey }: ExternalPortainer) {
  const password = hashPassword(adminPassword?.reveal() ?? "a password that nobody knows");
  const key = apiKey?.reveal();
  const digest = key === undefined ? undefined : createHash("sha256").update(key).digest("hex");
  const dateCreated = Math.floor(lab.clock.now() / 1000);
  return {
    users: [{ id: 1, name: adminUser, password, tokenIssueAt: 0 }],
    apiKeys:
      digest === undefined
        ? []
        : [
            {
              id: 1,
              userId: 1,
              description: "phoenix",
              prefix: (key ?? "").slice(0, 7),
              digest,
              dateCreated,
            },
          ],
  };
}

/** The environments that the site's stacks are for: its own engine, and an agent on each other machine. */
async function endpointsOf(lab: Lab, site: Site, own: GuestName): Promise<readonly Endpoint[]> {
  const names = new Map(site.stacks.map(({ portainerEnvironment, guest }) => [portainerEnvironment, guest]));
  const endpoints: Endpoint[] = [];
  for (const [Name, { host, address }] of names) {
    const isOwn = host === own;
    if (!isOwn) {
      const mounted = ["--volume", "/var/run/docker.sock:/var/run/docker.sock"];
      const published = ["--publish", `${agentPort}:${agentPort}`];
      await dockerRun(lab, host, [
        ...["--name", "portainer_agent", ...published, ...mounted],
        "portainer/agent:2.39.0",
      ]);
    }
    endpoints.push({
      Id: endpoints.length + 1,
      Name,
      Type: isOwn ? 1 : 2,
      URL: isOwn ? "unix:///var/run/docker.sock" : `tcp://${address}:${agentPort}`,
      PublicURL: "",
      GroupId: 1,
      Status: 1,
      TagIds: [],
      TLSConfig: { TLS: !isOwn, TLSSkipVerify: !isOwn },
      ContainerEngine: "docker",
      Agent: { Version: isOwn ? "" : "2.39.0" },
    });
  }
  return endpoints;
}

/** @throws Error with Docker's words */
async function dockerRun(lab: Lab, host: GuestName, args: readonly string[]): Promise<void> {
  const argv = ["docker", "run", "--detach", "--restart", "always", ...args];
  const { exitCode, stderr } = await lab.run(host, { argv, effect: "change" });
  if (exitCode !== 0) throw new Error(`${host}: \`${argv.join(" ")}\`: ${stderr}`);
}
