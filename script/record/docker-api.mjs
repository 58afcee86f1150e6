/** As much of Docker's API as Traefik's Docker provider asks for: a list of containers that never changes, on loopback. */
import { createServer } from "node:http";

const version = "1.44";

/**
 * @typedef {object} Container
 * @property {string} name
 * @property {Record<string, string>} labels
 * @property {readonly string[]} ports "80/tcp" as exposed, "8080:80/tcp" as published
 * @property {string} [network] of its host configuration: "host", "container:x"
 * @property {string} [state] "running" unless given
 * @property {string} [health] "healthy", "unhealthy", "starting"
 */

/**
 * Serves containers until it is closed.
 * @param {readonly Container[]} containers
 * @returns {Promise<{ port: number, close: () => void }>}
 */
export function serveDocker(containers) {
  const details = containers.map(detailsOf);
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "");
    const found = details.find(({ Id }) => path === `/containers/${Id}/json`);
    const answer =
      path === "/version"
        ? { Version: "26.1.5", ApiVersion: version, MinAPIVersion: "1.24", Os: "linux", Arch: "amd64" }
        : path === "/containers/json"
          ? details.map(listed)
          : found;
    response.setHeader("Api-Version", version);
    response.setHeader("Content-Type", "application/json");
    if (path === "/events") response.writeHead(200).flushHeaders();
    else if (path === "/_ping") response.end("OK");
    else
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? { message: path }));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ port: server.address().port, close });
    });
  });
}

/** Addresses are loopback ones: Traefik may check the health of what it finds there. */
function detailsOf({ name, labels, ports, network, state = "running", health }, at) {
  const bindings = {};
  for (const port of ports) {
    const [, address, published, exposed = port] = /^(?:([\d.]+):)?(\d+):(.*)$/.exec(port) ?? [];
    bindings[exposed] =
      published === undefined ? null : [{ HostIp: address ?? "0.0.0.0", HostPort: published }];
  }
  const settings = { NetworkID: "n1", IPAddress: `127.0.1.${at + 1}`, Gateway: "127.0.1.254" };
  const mode = network ?? "recorded_default";
  const networks = mode.startsWith("container:") ? {} : { [mode]: settings };
  return {
    Id: `${at + 1}`.padStart(64, "0"),
    Name: `/${name}`,
    Image: "sha256:0",
    Created: "2024-01-01T00:00:00Z",
    State: {
      Status: state,
      Running: state === "running",
      ...(health === undefined ? {} : { Health: { Status: health } }),
    },
    HostConfig: { NetworkMode: mode },
    Config: {
      Image: "web",
      Labels: {
        ...labels,
        "com.docker.compose.project": "recorded",
        "com.docker.compose.service": name,
        "com.docker.compose.container-number": "1",
      },
    },
    NetworkSettings: { Ports: bindings, Networks: networks },
  };
}

function listed({ Id, Name, Config, State, HostConfig, NetworkSettings }) {
  return {
    Id,
    Names: [Name],
    Image: Config.Image,
    State: State.Status,
    Status: State.Status,
    Labels: Config.Labels,
    HostConfig,
    Ports: [],
    NetworkSettings: { Networks: NetworkSettings.Networks },
  };
}
