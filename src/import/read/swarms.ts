/** Docker Swarms: which guests are in one, as their engines say; what runs in it, as a manager says (Docker 26.1). */
import { askDocker, filtered } from "../../components/foreign/docker-api.ts";
import { objectLabel } from "../../components/stacks/swarm/live.ts";
import { type EngineView, engineView, swarmLabel } from "../../components/swarm/engine.ts";
import { defined } from "../../defined.ts";
import { isUnavailable, messageOf } from "../../errors.ts";
import { type JsonObject, member, objectsOf, textOf, textsOf } from "../../formats/json/index.ts";
import type { GuestName } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import type { FoundMember, FoundService, FoundSwarm } from "../found/swarms.ts";
import type { FoundGuest, ReadIo, Source } from "../found.ts";
import { addressesOf } from "../guests.ts";
import type { Reader } from "./reader.ts";

/** A guest whose engine is an active member. */
interface Seen {
  readonly host: GuestName;
  readonly view: EngineView;
  /** Where the other members may know it. */
  readonly addresses: readonly string[];
}

export const readSwarms: Reader<readonly FoundSwarm[]> = async (io, guests, engines) => {
  const asked = engines.filter(({ swarm }) => swarm).map(({ host }) => seenAt(io, host, guests));
  const seen = (await Promise.all(asked)).flat();
  const managers = new Map(
    seen.filter(({ view }) => view.clusterId !== "").map((each) => [each.view.clusterId, each]),
  );
  const swarmOf = (each: Seen): string => clusterOf(each, [...managers.values()]);
  for (const each of seen)
    if (swarmOf(each) === "") {
      const known = each.view.managers.join(", ") || "none";
      const reason = `none of its managers is a guest that tells of it (it knows ${known}): \`docker node ls\` on one shows whether they have a quorum`;
      io.left({ source: sourceOf(each.host), what: "a member of a Docker Swarm", reason });
    }
  return Promise.all(
    [...managers].map(async ([id, manager]): Promise<FoundSwarm> => {
      const mark = manager.view.labels[swarmLabel];
      const members = seen.filter((each) => swarmOf(each) === id).map(memberOf);
      return { id, ...defined({ mark }), members, ...(await contentOf(io, manager.host)) };
    }),
  );
};

async function seenAt(io: ReadIo, host: GuestName, guests: readonly FoundGuest[]): Promise<readonly Seen[]> {
  const guest = guests.find((each) => each.host === host);
  const left = (reason: string): readonly Seen[] => {
    io.left({ source: sourceOf(host), what: "a member of a Docker Swarm", reason });
    return [];
  };
  try {
    const view = await engineView(io.host(host));
    if (view.state !== "active") return left(`it is ${view.state} there: see to that, and import again`);
    return [{ host, view, addresses: [view.address, ...(guest === undefined ? [] : addressesOf(guest))] }];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return left(messageOf(error));
  }
}

/** Workers do not know their Swarm's id: they know where its managers are. "" where none of these is here. */
function clusterOf({ view }: Seen, managers: readonly Seen[]): string {
  if (view.clusterId !== "") return view.clusterId;
  const known = managers.find(({ addresses }) => addresses.some((each) => view.managers.includes(each)));
  return known?.view.clusterId ?? "";
}

function memberOf({ host, view }: Seen): FoundMember {
  return { host, role: view.isManager ? "manager" : "worker", source: sourceOf(host) };
}

async function contentOf(io: ReadIo, manager: GuestName): Promise<Pick<FoundSwarm, "services" | "configs">> {
  const host = io.host(manager);
  try {
    const [services, configs] = await Promise.all([
      askDocker(host, "GET", "/services"),
      askDocker(host, "GET", `/configs${filtered({ label: [objectLabel] })}`),
    ]);
    const contents = objectsOf(configs).map(async (config) => {
      const found = await askDocker(host, "GET", `/configs/${encodeURIComponent(textOf(config, "ID"))}`);
      return configOf(member(found, "Spec"));
    });
    return {
      services: objectsOf(services).map(serviceOf),
      configs: new Map((await Promise.all(contents)).flat()),
    };
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const source = { host: manager, path: "docker service ls" };
    io.left({ source, what: "what runs in its Swarm", reason: messageOf(error) });
    return { services: [], configs: new Map() };
  }
}

/** None for bytes that are no text: a site's files are texts. */
function configOf(spec: unknown): readonly (readonly [string, Secret])[] {
  const bytes = Buffer.from(textOf(spec, "Data"), "base64");
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? [[textOf(spec, "Name"), new Secret(text)]] : [];
}

function serviceOf(found: JsonObject): FoundService {
  const spec = member(found, "Spec");
  const labels = textsOf(member(spec, "Labels"));
  return {
    name: textOf(spec, "Name"),
    image: textOf(member(member(spec, "TaskTemplate"), "ContainerSpec"), "Image").replace(/@.*$/, ""),
    stack: labels["com.docker.stack.namespace"] ?? "",
    labels,
  };
}

function sourceOf(host: GuestName): Source {
  return { host, path: "docker info" };
}
