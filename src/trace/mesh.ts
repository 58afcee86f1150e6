/** The mesh: Traefik's own word on the router, its middlewares and its service, beside what is declared. */
import { commands } from "../components/traefik/commands.ts";
import { paths, routesOf } from "../components/traefik/compile.ts";
import { describeHost } from "../fabric/guests.ts";
import type { GatewayHop, MeshHop } from "../fabric/hop.ts";
import { declaredEntries } from "../formats/traefik/foreign.ts";
import { type DynamicRouter, dynamicConfig, dynamicRouters, entryPoint } from "../formats/traefik/index.ts";
import type { FileState } from "../hosts/host.ts";
import type { HostName } from "../resource.ts";
import { closed, commandOn, type Looking, stopped, unitDown } from "./context.ts";
import type { Answer } from "./facts.ts";
import { broken, type Finding, ok, unknown } from "./finding.ts";
import { type MeshState, meshState } from "./mesh-api.ts";
import { shadowing } from "./shadowing.ts";

/** One router under a look: as declared, and what to say about what differs. */
interface MeshLook {
  readonly looking: Looking;
  readonly hop: MeshHop;
  readonly id: string;
  readonly where: string;
  readonly declared: readonly DynamicRouter[];
  readonly wanted: DynamicRouter | undefined;
  readonly isAsDeclared: boolean;
}

export async function lookAtMesh(looking: Looking, hop: MeshHop): Promise<Finding> {
  const { facts, way } = looking;
  const { host, service } = hop;
  const gateway = way.hops.find((each): each is GatewayHop => each.kind === "gateway");
  const [down, rule, unit, state, file] = await Promise.all([
    stopped(looking, host),
    gateway === undefined ? undefined : closed(looking, gateway),
    unitDown(looking, host, "traefik"),
    meshState(facts),
    facts.text(host, paths.configuration),
    // Asked for beforehand: whoever is in the way may be named by them.
    otherFiles(looking, host),
  ]);
  const fault = down ?? rule ?? unit;
  if (fault !== undefined) return fault;
  const text = dynamicConfig({ routes: routesOf(facts.site), rootFile: paths.root });
  const declared = dynamicRouters(text);
  const look: MeshLook = {
    ...{ looking, hop, declared, id: service.id, where: describeHost(facts.site, host) },
    wanted: declared.find(({ name }) => name === service.id),
    isAsDeclared: file === text,
  };
  if (!("value" in state)) return state.late === true ? unknown(state.fault) : withoutApi(look, state.fault);
  const mesh = state.value;
  return (
    (await routerFault(look, mesh)) ??
    (await shadowed(look, mesh)) ??
    (await serviceFault(look, mesh)) ??
    ok(`router ${service.id} -> ${mesh.services.get(`${service.id}@file`)?.urls.join(", ")}`)
  );
}

/** Something of ours is not as declared: our file, another file with the same name, or what is loaded. */
async function differs(look: MeshLook, seen: string, cause: string): Promise<Finding> {
  const { where, isAsDeclared, hop, id } = look;
  if (!isAsDeclared) {
    const details = [`${paths.configuration} in ${where} is not as declared`];
    return broken(seen, cause, { details, hint: "`phoenix sync traefik` puts it back" });
  }
  const place = await placeOf(look, id);
  if (place !== undefined) {
    const details = [`${place} in ${where} declares "${id}" too, and Traefik takes one of them`];
    return broken(seen, cause, { details, hint: `rename it in ${place}` });
  }
  const hint = `\`${commandOn(hop.host, "journalctl -u traefik")}\` shows why it is not loaded; \`${commandOn(hop.host, commands.hangUp.argv.join(" "))}\` loads it again`;
  return broken(seen, cause, { details: [`${paths.configuration} in ${where} is as declared`], hint });
}

async function routerFault(look: MeshLook, mesh: MeshState): Promise<Finding | undefined> {
  const { id, where, wanted } = look;
  const router = mesh.routers.get(`${id}@file`);
  if (router === undefined)
    return differs(look, "no such router", `Traefik in ${where} has no router "${id}"`);
  const { status, errors, entryPoints, rule, service, middlewares } = router;
  if (status !== "enabled")
    return differs(
      look,
      `router ${status}`,
      `router "${id}" is ${status}: ${errors.join("; ") || "Traefik does not say why"}`,
    );
  if (!entryPoints.includes(entryPoint)) {
    const cause = `router "${id}" listens on entry point ${entryPoints.join(", ") || "none"}, expected ${entryPoint}`;
    return differs(look, "another entry point", cause);
  }
  if (wanted === undefined) return undefined;
  if (rule !== wanted.rule)
    return differs(look, "another rule", `router "${id}" has the rule ${rule}, expected ${wanted.rule}`);
  if (bare(service) !== wanted.service)
    return differs(
      look,
      "another service",
      `router "${id}" leads to service ${service}, expected ${wanted.service}`,
    );
  const sick = middlewares
    .map((name) => mesh.middlewares.get(name))
    .find((each) => each !== undefined && each.status !== "enabled");
  if (sick !== undefined)
    return differs(
      look,
      "a middleware fails",
      `middleware "${sick.name}" is ${sick.status}: ${sick.errors.join("; ")}`,
    );
  const [seen, expected] = [middlewares, wanted.middlewares].map((names) => names.map(bare).join(", "));
  if (seen === expected) return undefined;
  const cause = `router "${id}" uses the middlewares ${seen || "none"}, expected ${expected || "none"}`;
  return differs(look, "other middlewares", cause);
}

async function shadowed(look: MeshLook, mesh: MeshState): Promise<Finding | undefined> {
  const { id, where, declared, looking } = look;
  const own = mesh.routers.get(`${id}@file`);
  const winner = own && shadowing(mesh, own, looking.way.name, looking.path);
  if (own === undefined || winner === undefined) return undefined;
  const name = bare(winner.name);
  const place = await placeOf(look, name);
  const cause = `router "${winner.name}" takes the requests for ${looking.way.name}: its priority ${winner.priority} is higher than ${own.priority} of "${id}"`;
  const details = [
    `its rule is ${winner.rule}, and it leads to service ${winner.service}`,
    ...(place === undefined ? [] : [`${place} in ${where} declares it`]),
  ];
  const hint = declared.some((each) => each.name === name)
    ? `narrow the rule of ${name} in the site, or give ${id} a higher priority`
    : `remove the router from ${place ?? `the configuration of Traefik in ${where}`}, or give it a lower priority`;
  return broken("another router answers", cause, { details, hint });
}

async function serviceFault(look: MeshLook, mesh: MeshState): Promise<Finding | undefined> {
  const { id, where, wanted } = look;
  const live = mesh.services.get(`${id}@file`);
  if (live === undefined)
    return differs(look, "no such service", `Traefik in ${where} has no service "${id}"`);
  if (live.status !== "enabled")
    return differs(
      look,
      `service ${live.status}`,
      `service "${id}" is ${live.status}: ${live.errors.join("; ")}`,
    );
  const [seen, expected] = [live.urls, wanted?.urls ?? []].map((urls) => [...urls].sort().join(", "));
  if (seen === expected) return undefined;
  return differs(
    look,
    "another backend",
    `service "${id}" leads to ${seen || "no server"}, expected ${expected}`,
  );
}

/** The files of Traefik's directory besides ours, by path. */
function otherFiles({ facts }: Looking, host: HostName): Promise<Answer<ReadonlyMap<string, FileState>>> {
  return facts.ask("mesh files", async () => {
    const names = await facts.io.host(host).list(paths.directory);
    const found = names
      .filter((name) => /\.(?:ya?ml|toml)$/i.test(name))
      .map((name) => `${paths.directory}/${name}`);
    return facts.io.host(host).readFiles(found.filter((path) => path !== paths.configuration));
  });
}

/** The file and line of Traefik's directory that declares a router, our own file apart. */
async function placeOf({ looking, hop }: MeshLook, router: string): Promise<string | undefined> {
  const files = await otherFiles(looking, hop.host);
  for (const [path, { text }] of "value" in files ? files.value : []) {
    const entry = declaredEntries(text).find(({ kind, name }) => kind === "router" && name === router);
    if (entry !== undefined) return `${path}:${entry.line}`;
  }
  return undefined;
}

/** Without the API a real request tells what there is to tell. */
async function withoutApi(look: MeshLook, fault: string): Promise<Finding> {
  const { looking, where, hop } = look;
  const { facts, path, way } = looking;
  const answer = await facts.request(`http://${facts.site.roles.mesh?.address}${path}`, {
    hostname: way.name,
  });
  if (!("value" in answer)) {
    if (answer.late === true) return unknown(answer.fault);
    const hint = `\`${commandOn(hop.host, "journalctl -u traefik")}\` shows what it does`;
    return broken("no answer", `Traefik in ${where} does not answer: ${answer.fault}`, { hint });
  }
  const { status, text } = answer.value;
  if (status === 404 && text.trim() === "404 page not found")
    return differs(look, "no route", `Traefik in ${where} has no route for ${way.name}`);
  return ok(`answers ${status} (its API does not: ${fault})`);
}

function bare(name: string): string {
  return name.replace(/@file$/, "");
}
