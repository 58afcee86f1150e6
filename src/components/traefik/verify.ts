/** Looks at the mesh as the gateway does: which configuration serves, and one real request for every route. */
import type { Check, Io } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import { dynamicConfig, dynamicRouters, urlOf } from "../../formats/traefik/index.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { HttpResponse } from "../../hosts/network.ts";
import { routedServices, type Service } from "../../model.ts";
import { answers, loadedHash } from "./activate.ts";
import { expectedHash, paths, routesOf } from "./compile.ts";
import { apiRouters, type SeenRouter } from "./routers.ts";
import { staticProblems } from "./static.ts";

/** A start takes half a second, the watch two. */
const loadMs = 3_000;

/** Requests in flight at once. */
const parallel = 16;

export async function verify(io: Io): Promise<readonly Check[]> {
  const loaded = await checkLoaded(io);
  if (loaded.status === "fail") return [loaded];
  const services = routedServices(io.site);
  const declared = new Map(
    dynamicRouters(dynamicConfig({ routes: routesOf(io.site), rootFile: paths.root })).map((router) => [
      router.name,
      router,
    ]),
  );
  const [seen, routes] = await Promise.all([apiRouters(io), checkRoutes(io, services)]);
  const checks: Check[] = [loaded];
  for (const { id } of services) {
    const router = declared.get(id);
    if (seen !== undefined && router !== undefined) checks.push(checkRouter(router, seen.get(id)));
  }
  return [...checks, ...routes];
}

async function checkRoutes(io: Io, services: readonly Service[]): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (let at = 0; at < services.length; at += parallel)
    checks.push(
      ...(await Promise.all(services.slice(at, at + parallel).map((service) => checkRoute(io, service)))),
    );
  return checks;
}

/** The sentinel; and what the static configuration says when it does not answer. */
async function checkLoaded(io: Io): Promise<Check> {
  const { mesh, gateway } = io.site.roles;
  const claim = `${mesh.address} has loaded the declared routes`;
  const host = io.host(mesh.host);
  const [files, loaded] = await Promise.all([
    host.readFiles([paths.static]),
    answers(io, expectedHash(io.site) ?? "", loadMs),
  ]);
  const text = files.get(paths.static)?.text;
  const problems = text === undefined ? [] : staticProblems(text, gateway.address);
  for (const { message, hint, fatal } of problems) if (!fatal) io.note(`${message}: ${hint}`);
  if (loaded) return { resource: "traefik/routes", claim, status: "pass" };
  const { instead } = await loadedHash(io);
  const fatal = problems.find((problem) => problem.fatal);
  const foreign = (await host.list(paths.directory)).filter(
    (name) => /\.(ya?ml|toml)$/i.test(name) && !paths.configuration.endsWith(`/${name}`),
  );
  const others =
    foreign.length === 0
      ? ""
      : ` One bad file keeps all of ${paths.directory} from being loaded; not ours there: ${foreign.join(", ")}.`;
  return {
    resource: "traefik/routes",
    claim,
    status: "fail",
    observed: fatal === undefined ? instead : `${instead}; ${fatal.message}`,
    hint:
      fatal?.hint ?? `\`journalctl -u traefik\` in the mesh guest says why it did not load them.${others}`,
  };
}

/** What Traefik itself says about a router. */
function checkRouter(
  declared: { name: string; rule: string; service: string },
  seen: SeenRouter | undefined,
): Check {
  const resource = "traefik/routes";
  const claim = `router ${declared.name} is enabled`;
  if (seen === undefined) return { resource, claim, status: "fail", observed: "Traefik does not know it" };
  if (seen.status !== "enabled")
    return {
      resource,
      claim,
      status: "fail",
      observed: `${seen.status}: ${seen.errors.join("; ")}`,
      hint: "what it names must be declared with it, or in another file of the watched directory",
    };
  // The first file in the order of their names wins; the loser's router is dropped without a trace in the API.
  if (seen.rule !== declared.rule || seen.service.replace(/@file$/, "") !== declared.service)
    return {
      resource,
      claim,
      status: "fail",
      observed: `another file declares a router of that name: ${seen.rule} -> ${seen.service}`,
      hint: `rename it in the other file of ${paths.directory}`,
    };
  return { resource, claim, status: "pass" };
}

async function checkRoute(io: Io, service: Service): Promise<Check> {
  const [name = ""] = readRule(service.rule).hosts;
  const host = name === "" ? (service.names[0] ?? "") : name;
  const claim = `${host} is passed on to ${urlOf(service.backend)}`;
  const path = pathIn(service.rule);
  const fail = (observed: string, hint: string, external: boolean): Check => ({
    resource: "traefik/routes",
    claim,
    status: "fail",
    observed,
    hint,
    ...(external ? { external: true as const } : {}),
  });
  const backendHint = `look at ${service.backend.address}:${service.backend.port} in ${service.guest.host} (${service.guest.name}): does it run, does the firewall let ${io.site.roles.mesh.address} in?`;
  let answer: HttpResponse;
  try {
    answer = await get(io, `http://${io.site.roles.mesh.address}${path}`, host);
  } catch (error) {
    // The mesh itself has just answered for its configuration.
    if (error instanceof TransportError) return fail(messageOf(error), backendHint, true);
    throw error;
  }
  const { status } = answer;
  if (status === 502 || status === 503 || status === 504)
    return fail(`the mesh answers ${status}: the backend does not`, backendHint, true);
  if (status === 500 && isPlain(answer, "Internal Server Error")) {
    const hint =
      service.backend.scheme === "https"
        ? `the backend's certificate must come from the site's CA and name ${service.backend.serverName ?? `the address ${service.backend.address}`}`
        : backendHint;
    return fail("the mesh answers 500: it cannot talk to the backend", hint, true);
  }
  if (status === 404 && isPlain(answer, "404 page not found") && !(await saysSo(io, service, path, host)))
    return fail(
      "the mesh answers 404: no route takes it",
      "another route or entry point may be in its way",
      false,
    );
  return { resource: "traefik/routes", claim, status: "pass" };
}

/** Whether the backend itself gives the answer that the mesh gives for what it does not know: Go programs do. */
async function saysSo(io: Io, { backend }: Service, path: string, host: string): Promise<boolean> {
  if (backend.scheme === "h2c") return true;
  try {
    const url = `${urlOf(backend)}${path}`;
    const answer = await get(io, url, host, backend.scheme === "https");
    return answer.status === 404 && isPlain(answer, "404 page not found");
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}

function get(io: Io, url: string, hostname: string, insecure = false): Promise<HttpResponse> {
  return io.network.request({
    method: "GET",
    url,
    hostname,
    effect: "read",
    timeoutMs: 5_000,
    ...(insecure ? { insecure: true as const } : {}),
  });
}

function isPlain({ text, headers }: HttpResponse, words: string): boolean {
  return text.trim() === words && /^text\/plain/.test(headers["content-type"] ?? "text/plain");
}

/** A path that the rule takes, as far as it names one. */
function pathIn(rule: string): string {
  return /(?<![!\w])Path(?:Prefix)?\(\s*[`"]([^`"]*)[`"]/i.exec(rule)?.[1] ?? "/";
}
