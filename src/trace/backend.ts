/** The port that requests end at: the guest, the firewall on the way, what listens, and what answers. */
import { ping } from "../components/portainer/agent.ts";
import { inspect } from "../components/portainer/container.ts";
import { agentSecret, secretState } from "../components/portainer/secrets.ts";
import { describeHost } from "../fabric/guests.ts";
import type { BackendHop } from "../fabric/hop.ts";
import { agentContainer } from "../fabric/portainer-server.ts";
import type { GuestName } from "../resource.ts";
import { ownContainers } from "./container.ts";
import { closed, commandOn, containersIn, type Looking, stopped, unitDown } from "./context.ts";
import { affected, broken, type Finding, ok, unknown } from "./finding.ts";
import { exposed } from "./firewall.ts";

/** Where members of a Swarm share the port, one that serves is enough. */
export async function lookAtBackend(looking: Looking, hop: BackendHop): Promise<Finding> {
  const ends = [hop, ...(hop.others ?? [])];
  const findings = await Promise.all(ends.map((each) => lookAtEnd(looking, each)));
  const [own] = findings;
  return findings.find(({ status }) => status === "ok") ?? own ?? unknown("");
}

async function lookAtEnd(looking: Looking, hop: BackendHop): Promise<Finding> {
  const { facts } = looking;
  const { path, host } = hop;
  const fromGuest = path.from.includes("/") ? (path.from as GuestName) : undefined;
  const [down, rule, seen, fromThere, answer] = await Promise.all([
    stopped(looking, host),
    closed(looking, hop),
    facts.connect(path.address, path.port),
    fromGuest === undefined ? undefined : facts.connectFrom(fromGuest, path.address, path.port),
    answerOf(looking, hop),
  ]);
  if (down !== undefined) return down;
  if (rule !== undefined) return rule;
  const isReached = "value" in seen && seen.value.ok;
  const isRefused = "value" in seen && !seen.value.ok && seen.value.reason === "refused";
  // Whoever filters the hypervisor out may let the mesh in, which counts.
  if (!isReached && (isRefused || fromThere !== "answers")) return nobodyAnswers(looking, hop, isRefused);
  if (answer.status !== "ok") return answer;
  const live = await facts.firewall();
  const open =
    live !== undefined && "value" in live ? exposed(facts.site, live.value, host, answer.seen) : undefined;
  return open ?? answer;
}

/** Nothing listens, a container publishes another port, or the program does not answer. */
async function nobodyAnswers(looking: Looking, hop: BackendHop, isRefused: boolean): Promise<Finding> {
  const { facts } = looking;
  const { host, path } = hop;
  const words = isRefused ? "refused" : "no answer";
  const where = describeHost(facts.site, host);
  if (hop.application === "ca") {
    const unit = await unitDown(looking, host, "step-ca");
    if (unit !== undefined) return unit;
  }
  const unseen: string[] = [];
  for (const hopOfContainer of containersIn(looking.way)) {
    if (hopOfContainer.host !== host || hopOfContainer.isBeside === true) continue;
    const own = await ownContainers(looking, hopOfContainer);
    if (own === undefined) {
      unseen.push(`its containers could not be looked at: Docker on ${where} did not answer in time`);
      continue;
    }
    const running = own.filter(({ state }) => state === "running");
    if (running.length === 0) return affected(words);
    const [first] = running;
    if (first === undefined || running.some(({ ports }) => ports.some(({ port }) => port === path.port)))
      continue;
    const published = first.ports.map(({ port }) => port);
    const ports = [...new Set(published)].join(", ") || "no port";
    const cause = `${first.name} on ${where} publishes ${ports}, expected ${path.port}`;
    const name = hopOfContainer.stack?.name;
    return broken(`publishes ${ports}`, cause, {
      hint: `\`phoenix sync ${name === undefined ? "portainer" : `stacks/${name}`}\` recreates it`,
    });
  }
  const listeners = (await facts.listeners(host))?.filter(
    ({ protocol, port }) => protocol === "tcp" && port === path.port,
  );
  const local = listeners?.find(({ address }) => address.startsWith("127.") || address === "[::1]");
  if (listeners?.length === 0)
    return broken(words, `nothing listens on port ${path.port} in ${where}`, {
      hint: `start what serves it there, or correct the port in the site; \`ss -lntp\` in ${host} shows what listens`,
    });
  if (
    local !== undefined &&
    listeners?.every(({ address }) => address.startsWith("127.") || address === "[::1]") === true
  )
    return broken(words, `${local.program} in ${where} listens on ${local.address}:${path.port} only`, {
      hint: `let it listen on ${path.address}, or on every address`,
    });
  const program = listeners?.[0]?.program;
  const cause = `${path.address}:${path.port} does not answer${program === undefined ? "" : `, though ${program} listens there`}`;
  return broken(words, cause, {
    details: unseen,
    hint: `look at the program and its log in ${where}; \`phoenix verify firewall\` looks at the rules`,
  });
}

/** What answers at an open port, by what must be there. */
async function answerOf(looking: Looking, hop: BackendHop): Promise<Finding> {
  if (hop.application === "ca") return caHealth(looking, hop);
  if (hop.application === "agent") return agentAnswer(looking, hop);
  if (hop.application === "portainer") {
    const status = await looking.facts.ask("portainer", () => looking.facts.io.apis.portainer.status());
    if ("late" in status && status.late === true) return unknown(status.fault);
    const state = "value" in status ? status.value : undefined;
    if (state?.state === "down" || state === undefined) {
      const reason = state?.reason ?? ("fault" in status ? status.fault : "");
      return broken("no answer", `Portainer does not answer at ${hop.expected}: ${reason}`, {
        hint: "`phoenix sync portainer` puts it right",
      });
    }
    if (state.state === "timed-out")
      return broken(
        "without an administrator",
        "Portainer waits for an administrator, and has closed itself",
        { hint: "`phoenix sync portainer` restarts it and creates one" },
      );
  }
  return throughMesh(looking, hop);
}

/** The mesh's own request: what a client gets. */
async function throughMesh({ facts, way, path }: Looking, hop: BackendHop): Promise<Finding> {
  const end = `${hop.path.address}:${hop.path.port}`;
  const mesh = facts.site.roles.mesh;
  if (way.service?.path !== "routed" || mesh === undefined) return ok(end);
  const answer = await facts.request(`http://${mesh.address}${path}`, { hostname: way.name });
  if (!("value" in answer)) return ok(end);
  const { status } = answer.value;
  if (![500, 502, 503, 504].includes(status)) return ok(`${end} answers ${status}`);
  const isOwn =
    /^(?:Bad Gateway|Service Unavailable|Gateway Timeout|no available server|Internal Server Error)\s*$/.test(
      answer.value.text,
    );
  if (!isOwn) return ok(`${end} answers ${status}`);
  return (
    (await badTls(facts, hop)) ??
    broken(
      `the mesh answers ${status}`,
      `the mesh gets no answer from ${hop.expected}: it answers ${status}`,
      {
        hint: `see whether it speaks ${hop.scheme} there: \`curl -v ${hop.expected}\` on the hypervisor`,
      },
    )
  );
}

/** A backend with TLS is verified with the site's root. */
async function badTls(facts: Looking["facts"], hop: BackendHop): Promise<Finding | undefined> {
  const { address, port } = hop.path;
  const name = hop.serverName ?? address;
  const seen = await facts.handshake(address, port, name);
  const isPlain = hop.scheme === "http";
  if (!("value" in seen)) return undefined;
  if (isPlain)
    return seen.value.ok
      ? broken("speaks TLS", `${address}:${port} speaks TLS, and the mesh speaks plain HTTP to it`, {
          hint: 'declare "scheme": "https" for the service',
        })
      : undefined;
  if (hop.scheme !== "https") return undefined;
  if (!seen.value.ok)
    return broken("no TLS", `${address}:${port} does not speak TLS: ${seen.value.reason}`, {
      hint: 'declare "scheme": "http" for the service',
    });
  if (seen.value.trusted) return undefined;
  return broken(
    "certificate not accepted",
    `the mesh does not accept the certificate of ${address}:${port}: ${seen.value.reason ?? "not trusted"}`,
    {
      hint: `its certificate must be issued by the site's CA for ${name}: \`phoenix sync certificates\``,
    },
  );
}

async function caHealth(looking: Looking, hop: BackendHop): Promise<Finding> {
  const { facts } = looking;
  const root = await facts.root();
  if (!("value" in root)) return broken("no root", `the CA's root certificate cannot be read: ${root.fault}`);
  const health = await facts.ask("ca health", () => facts.io.apis.stepCa.health(root.value));
  if ("value" in health) return ok("healthy");
  if (health.late === true) return unknown(health.fault);
  return broken(
    "not healthy",
    `Step-CA at ${hop.expected} does not report that it is healthy: ${health.fault}`,
    {
      hint: `\`${commandOn(hop.host, "journalctl -u step-ca")}\` shows why`,
    },
  );
}

/** An agent answers anybody's ping; whether it takes Portainer's requests depends on the secret that both have. */
async function agentAnswer({ facts }: Looking, hop: BackendHop): Promise<Finding> {
  const environment = facts.site.portainer?.environments.find(
    ({ guest, kind }) => guest.host === hop.host && kind === "agent",
  );
  if (environment === undefined) return ok(hop.expected);
  const host = facts.io.host(hop.host);
  const [seen, secret, up] = await Promise.all([
    facts.ask(`ping ${hop.host}`, () => ping(facts.io, environment)),
    facts.ask(`agent ${hop.host}`, async () => {
      const [container, secret] = await Promise.all([inspect(host, agentContainer), agentSecret(facts.io)]);
      return container === undefined ? undefined : secretState(container, secret);
    }),
    facts.ask(`environment ${environment.name}`, async () => {
      const found = (await facts.io.apis.portainer.environments()).find(
        ({ name }) => name === environment.name,
      );
      return found === undefined ? ("unregistered" as const) : found;
    }),
  ]);
  const where = describeHost(facts.site, hop.host);
  const sync = "`phoenix sync portainer` puts it right";
  if ("late" in seen && seen.late === true) return unknown(seen.fault);
  const fault = "value" in seen ? seen.value?.reason : seen.fault;
  if (fault !== undefined)
    return broken("no answer", `the agent on ${where} does not answer: ${fault}`, { hint: sync });
  if ("value" in secret && secret.value !== undefined && secret.value !== "as generated")
    return broken(
      "another secret",
      `the agent on ${where} has another secret than Portainer (AGENT_SECRET), and refuses its requests`,
      { hint: sync },
    );
  if ("value" in up && up.value === "unregistered")
    return broken(
      "not registered",
      `Portainer has no environment ${environment.name} for the agent on ${where}`,
      { hint: sync },
    );
  const url = "value" in up && up.value !== "unregistered" ? up.value.url : undefined;
  const wanted = `tcp://${environment.guest.address}:${environment.port}`;
  if (url !== undefined && url !== wanted)
    return broken(
      "another address",
      `Portainer's environment ${environment.name} leads to ${url}, expected ${wanted}`,
      { hint: sync },
    );
  return ok("answers the ping");
}
