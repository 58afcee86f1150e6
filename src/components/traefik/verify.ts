/** Looks at the mesh as the gateway does: which configuration it serves, and one real request for every route. */
import pLimit from "p-limit";
import { type Check, external, failed, type Io, passed, type Reached } from "../../component.ts";
import { messageOf, TransportError } from "../../errors.ts";
import { roleOf } from "../../fabric/declared.ts";
import { gatewayAddresses, routedServices } from "../../fabric/services.ts";
import {
  type DynamicRouter,
  dynamicConfig,
  dynamicRouters,
  urlOf,
  urlsOf,
} from "../../formats/traefik/index.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { HttpResponse } from "../../hosts/network.ts";
import type { Service } from "../../model.ts";
import { answers, configurationFiles, loadedHash } from "./activate.ts";
import { expectedHash, paths, routesOf } from "./compile.ts";
import { apiRouters, type SeenRouter } from "./routers.ts";
import { staticFaults } from "./static.ts";

const id = "traefik/routes";

/** A start takes half a second, the watch two. */
const loadMs = 3_000;

/** Requests in flight at once. */
const parallel = 16;

export async function verify(io: Io): Promise<readonly Check[]> {
  const loaded = await checkLoaded(io);
  if (loaded.status === "fail") return [loaded];
  const services = routedServices(io.site);
  const [seen, routes] = await Promise.all([
    apiRouters(io),
    pLimit(parallel).map(services, (service) => checkRoute(io, service)),
  ]);
  if (seen === undefined) return [loaded, ...routes];
  const declared = dynamicRouters(dynamicConfig({ routes: routesOf(io.site), rootFile: paths.root }));
  const ids = new Set(services.map((service) => service.id));
  const routers = declared.filter(({ name }) => ids.has(name));
  return [loaded, ...routers.map((router) => checkRouter(router, seen.get(router.name))), ...routes];
}

/** The sentinel; and what is wrong with the static configuration when it does not answer. */
async function checkLoaded(io: Io): Promise<Check> {
  const mesh = roleOf(io.site, "mesh");
  const claim = `${mesh.address} has loaded the declared routes`;
  const host = io.host(mesh.host);
  const [files, loaded] = await Promise.all([
    host.readFiles([paths.static]),
    answers(io, expectedHash(io.site) ?? "", loadMs),
  ]);
  const text = files.get(paths.static)?.text;
  const faults = text === undefined ? [] : staticFaults(text, gatewayAddresses(io.site));
  for (const { message, hint, severity } of faults)
    if (severity === "warning") io.note(`${message}: ${hint}`);
  if (loaded) return passed(id, claim);
  // A slow answer may come after the time was up.
  const { hash, instead } = await loadedHash(io);
  if (hash !== undefined && hash === expectedHash(io.site)) return passed(id, claim);
  const fatal = faults.find(({ severity }) => severity !== "warning");
  if (fatal !== undefined) return failed(id, claim, `${instead}; ${fatal.message}`, fatal.hint);
  const foreign = (await configurationFiles(host)).filter(
    (name) => !paths.configuration.endsWith(`/${name}`),
  );
  const others =
    foreign.length === 0
      ? ""
      : `; one invalid file keeps all of ${paths.directory} from being loaded, and these are foreign: ${foreign.join(", ")}`;
  return failed(id, claim, instead, `\`journalctl -u traefik\` in the mesh guest says why${others}`);
}

/** What Traefik itself reports about a router. */
function checkRouter({ name, rule, service }: DynamicRouter, seen: SeenRouter | undefined): Check {
  const claim = `router "${name}" is enabled`;
  if (seen === undefined) return failed(id, claim, "Traefik does not list it");
  if (seen.status !== "enabled") {
    const hint = "what it names must be declared with it, or in another file of the watched directory";
    return failed(id, claim, `${seen.status}: ${seen.errors.join("; ")}`, hint);
  }
  // The first file in the order of their names wins; the loser's router is dropped without a trace in the API.
  if (seen.rule === rule && seen.service.replace(/@file$/, "") === service) return passed(id, claim);
  const observed = `another file declares a router with this name: ${seen.rule} -> ${seen.service}`;
  return failed(id, claim, observed, `rename it in the other file of ${paths.directory}`);
}

async function checkRoute(io: Io, service: Service): Promise<Check> {
  const [host = service.names[0] ?? ""] = readRule(service.rule).hosts;
  const claim = `"${host}" is forwarded to ${urlsOf(service.backend).join(" or ")}`;
  const seen = await requestRoute(io, service, host);
  if ("answer" in seen) return passed(id, claim, { name: host, answer: seen.answer });
  const fault = seen;
  const check = failed(id, claim, fault.observed, fault.hint);
  return fault.isOurs === true ? check : external(check);
}

interface Fault {
  readonly observed: string;
  readonly hint: string;
  /** The mesh's own; otherwise the backend is the cause. */
  readonly isOurs?: true;
}

/** The backend's answer to a request for `host`, or what keeps the request from reaching it. */
async function requestRoute(
  io: Io,
  service: Service,
  host: string,
): Promise<Fault | Pick<Required<Reached>, "answer">> {
  const { backend, guest, rule } = service;
  const mesh = roleOf(io.site, "mesh").address;
  const hint = `check on ${guest.host} (${guest.name}) that ${backend.address}:${backend.port} runs, and that the firewall lets ${mesh} in`;
  const path = pathIn(rule);
  let answer: HttpResponse;
  const started = io.clock.now();
  try {
    answer = await get(io, `http://${mesh}${path}`, host);
  } catch (error) {
    // The mesh itself has just answered for its configuration.
    if (error instanceof TransportError) return { observed: messageOf(error), hint };
    throw error;
  }
  const { status } = answer;
  const ms = Math.max(0, Math.round(io.clock.now() - started));
  if (status === 502 || status === 503 || status === 504)
    return { observed: `the mesh answers ${status}: its backend does not answer`, hint };
  if (status === 500 && isPlain(answer, "Internal Server Error")) {
    const name = backend.serverName ?? `the address ${backend.address}`;
    const certificateHint = `the backend's certificate must be issued by the site's CA for ${name}`;
    const observed = "the mesh answers 500: it cannot connect to the backend";
    return { observed, hint: backend.scheme === "https" ? certificateHint : hint };
  }
  if (status !== 404 || !isPlain(answer, notFound) || (await isOwnAnswer(io, service, path, host)))
    return { answer: { status, ms } };
  return {
    observed: "the mesh answers 404: no route matches",
    hint: "another route or entry point may take its requests",
    isOurs: true,
  };
}

/** What Go programs answer for an unknown path: Traefik itself, and many backends. */
const notFound = "404 page not found";

/** Whether the backend itself answers "not found" when it is asked directly. */
async function isOwnAnswer(io: Io, { backend }: Service, path: string, host: string): Promise<boolean> {
  if (backend.scheme === "h2c") return true;
  try {
    const answer = await get(io, `${urlOf(backend)}${path}`, host, backend.scheme === "https");
    return answer.status === 404 && isPlain(answer, notFound);
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}

const requestMs = 5_000;

/** A machine that was busy for a moment gets a second chance: good changes would be rolled back otherwise. */
async function get(io: Io, url: string, hostname: string, insecure = false): Promise<HttpResponse> {
  const request = { method: "GET", url, hostname, effect: "read", timeoutMs: requestMs } as const;
  const ask = (): Promise<HttpResponse> => io.network.request(insecure ? { ...request, insecure } : request);
  const started = io.clock.now();
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TransportError && io.clock.now() - started >= requestMs) return ask();
    throw error;
  }
}

function isPlain({ text, headers }: HttpResponse, words: string): boolean {
  return text.trim() === words && /^text\/plain/.test(headers["content-type"] ?? "text/plain");
}

/** A path that the rule matches, if it names one. */
function pathIn(rule: string): string {
  return /(?<![!\w])Path(?:Prefix)?\(\s*[`"]([^`"]*)[`"]/i.exec(rule)?.[1] ?? "/";
}
