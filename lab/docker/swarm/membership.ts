/** `swarm init`, `join` and `leave`, with the order of the engine's checks (Docker 26.1). */
import { TransportError } from "../../../src/errors.ts";
import type { GuestName } from "../../../src/resource.ts";
import type { LabContext } from "../../context.ts";
import { readFacts } from "../../facts.ts";
import { readTextIfThere } from "../../store.ts";
import type { YamlObject } from "../compose-values.ts";
import { DockerError } from "../state.ts";
import { downMs } from "./advance.ts";
import { change, giveUpSeat, hasQuorum, hasSeat, seatOf, storeSwarm, takeSeat } from "./cluster.ts";
import { textsOf } from "./containers.ts";
import { newId, objectAt, type SwarmNode, type SwarmState, stamped, textsAt, touch } from "./state.ts";
import { alreadyMember, notMember, rpc } from "./words.ts";

/** A port that nobody listens on: where the lab's network leads connections that are refused. */
const closedPort = 1;

export function initSwarm(context: LabContext, host: GuestName, body: YamlObject): string {
  if (hasSeat(context, host)) throw alreadyMember();
  const now = context.clock.now();
  const digest = newId(50);
  const token = (): string => `SWMTKN-1-${digest}-${newId()}`;
  const asked = textsAt(body, "DefaultAddrPool");
  const pools = asked.length === 0 ? ["10.0.0.0/8"] : asked;
  const pool = (pools[0] ?? "").split(".").slice(0, 2).join(".");
  const swarm: SwarmState = {
    id: newId(),
    createdAt: now,
    tokens: { worker: token(), manager: token() },
    index: 9,
    version: 10,
    updatedAt: now,
    labels: textsOf(objectAt(body, "Spec").Labels),
    pool,
    pools,
    at: now,
    subnets: 0,
    nodes: [],
    services: [],
    tasks: [],
    networks: [],
    secrets: [],
    configs: [],
  };
  swarm.networks.push({
    ...stamped(swarm),
    name: "ingress",
    labels: {},
    attachable: false,
    internal: false,
    ingress: true,
    options: {},
    subnet: 0,
    base: `${pool}.0`,
    used: 1,
  });
  const node = addNode(context, swarm, host, "manager", body);
  storeSwarm(context, swarm);
  takeSeat(context, host, swarm.id, node.id);
  return node.id;
}

/** @throws DockerError */
export async function joinSwarm(context: LabContext, host: GuestName, body: YamlObject): Promise<void> {
  if (hasSeat(context, host)) throw alreadyMember();
  const remotes = textsAt(body, "RemoteAddrs");
  const token = String(body.JoinToken ?? "");
  if (remotes.length === 0) throw new DockerError(400, "at least 1 RemoteAddr is required to join");
  const [, digest] = /^SWMTKN-1-([0-9a-z]{50})-([0-9a-z]{25})$/.exec(token) ?? [];
  if (digest === undefined) throw new DockerError(500, "invalid join token");
  const manager = await managerBehind(context, host, remotes);
  const seat = seatOf(context, manager);
  if (seat === undefined) throw unreachable(remotes[0] ?? "", "connection refused");
  const { tokens } = seat.swarm;
  if (!tokens.worker.startsWith(`SWMTKN-1-${digest}-`))
    throw new DockerError(
      500,
      `remote CA does not match fingerprint. Expected: ${Buffer.from(digest).toString("hex").slice(0, 64)}`,
    );
  if (token !== tokens.worker && token !== tokens.manager)
    throw new DockerError(
      400,
      "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster",
    );
  const role = token === tokens.manager ? "manager" : "worker";
  const node = change(context, manager, ({ swarm }) => addNode(context, swarm, host, role, body));
  takeSeat(context, host, seat.swarm.id, node.id);
}

/** The machine behind the first of these addresses that answers. @throws DockerError in Go's words */
async function managerBehind(
  context: LabContext,
  host: GuestName,
  remotes: readonly string[],
): Promise<GuestName> {
  let failure = unreachable(remotes[0] ?? "", "connection refused");
  for (const remote of remotes) {
    const [address = "", port = "2377"] = remote.split(":");
    try {
      const to = await context.route(host, { protocol: "tcp", address, port: Number(port) });
      const found = readFacts(context.store)?.guests.find((guest) => guest.address === address)?.host;
      if (to.port !== closedPort && found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      failure = unreachable(remote, "i/o timeout");
    }
  }
  throw failure;
}

function unreachable(remote: string, reason: string): DockerError {
  if (reason === "i/o timeout")
    return new DockerError(
      500,
      'Timeout was reached before node joined. The attempt to join the swarm will continue in the background. Use the "docker info" command to see the current swarm status of your node.',
    );
  return rpc(
    "Unavailable",
    `connection error: desc = "transport: Error while dialing: dial tcp ${remote}: connect: ${reason}"`,
  );
}

function addNode(
  context: LabContext,
  swarm: SwarmState,
  host: GuestName,
  role: SwarmNode["role"],
  body: YamlObject,
): SwarmNode {
  const asked = String(body.AdvertiseAddr ?? "").replace(/:\d+$/, "");
  const guest = readFacts(context.store)?.guests.find((each) => each.host === host);
  const hostname = readTextIfThere(context.path(host, "/etc/hostname"))?.trim();
  const availability = String(body.Availability ?? "") || "active";
  const node: SwarmNode = {
    ...stamped(swarm),
    host,
    hostname: hostname ?? guest?.name.toLowerCase() ?? host,
    address: /^[\d.]+$/.test(asked) ? asked : (guest?.address ?? ""),
    role,
    acts: role,
    availability: availability === "drain" || availability === "pause" ? availability : "active",
    labels: {},
    state: "ready",
    volumes: [],
    images: [],
  };
  swarm.nodes.push(node);
  return node;
}

/** @throws DockerError */
export function leaveSwarm(context: LabContext, host: GuestName, force: boolean): void {
  if (!hasSeat(context, host)) throw notMember();
  const seat = seatOf(context, host);
  if (seat !== undefined) {
    const { swarm, node } = seat;
    if (node.acts === "manager" && !force) throw refusal(context, swarm);
    if (hasQuorum(context, swarm)) left(context, host, node.id);
  }
  giveUpSeat(context, host);
}

/** How long a node that has left is still called ready. Milliseconds. */
const leftMs = 1_000;

/** The others keep its row, and see that it is down. */
function left(context: LabContext, host: GuestName, id: string): void {
  const seat = seatOf(context, host);
  const other = seat?.swarm.nodes.find(
    (node) => node.acts === "manager" && node.id !== id && node.left !== true,
  );
  if (other === undefined) return;
  change(context, other.host, ({ swarm }) => {
    const node = swarm.nodes.find((each) => each.id === id);
    if (node === undefined) return;
    node.left = true;
    // The managers notice with its next heartbeat that is missing.
    node.silentSince = swarm.at - downMs + leftMs;
    touch(swarm, node);
  });
}

function refusal(context: LabContext, swarm: SwarmState): DockerError {
  const managers = swarm.nodes.filter(({ role }) => role === "manager");
  const start = "You are attempting to leave the swarm on a node that is participating as a manager. ";
  const end = "Use `--force` to suppress this message.";
  if (managers.length === 1)
    return new DockerError(
      503,
      `${start}Removing the last manager erases all current state of the swarm. Use \`--force\` to ignore this message. `,
    );
  if (!hasQuorum(context, swarm)) return new DockerError(503, `${start}${end}`);
  return new DockerError(
    503,
    `${start}Removing this node leaves ${managers.length - 1} managers out of ${managers.length}. Without a Raft quorum your swarm will be inaccessible. The only way to restore a swarm that has lost consensus is to reinitialize it with \`--force-new-cluster\`. ${end}`,
  );
}
