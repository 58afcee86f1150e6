/** A Swarm over two machines: Portainer's API of it, agents that answer for each other, and the volumes of tasks. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newPairingKey, signatureHeaders } from "../../lab/portainer/signature.ts";
import { portainerSwarmContract } from "../contract/portainer-swarm.ts";
import { boot, down, eventually, expectRun, run, unavailable } from "./machines.ts";
import { docker, startServer } from "./portainer-containers.ts";
import { type Relay, relay } from "./relay.ts";
import { joinSwarm, startAgentService } from "./swarm-machines.ts";

describe.skipIf(unavailable !== undefined)("a Swarm of two machines", () => {
  const members = ["vm-1001", "vm-1002"] as const;
  const [first, second] = members;
  /** Of the agents and the server. */
  const secret = "a secret of all";
  const relays: Relay[] = [];
  const through = async (port: number): Promise<string> => {
    const made = await relay(first, port);
    relays.push(made);
    return `https://127.0.0.1:${made.port}`;
  };

  beforeAll(async () => {
    await boot(join(import.meta.dirname, "swarm.json"));
    await joinSwarm(first, "10.9.0.101", [second]);
    await startAgentService(first, members, secret);
    await startServer(first, { version: "2.23.0", secret });
  });
  afterAll(async () => {
    for (const { close } of relays) close();
    await down();
  });

  portainerSwarmContract("testbed", async () => ({
    url: await through(9443),
    user: "admin",
    password: "a long enough password",
    // A worker's, which hands on to the manager what only that one knows.
    agent: "tcp://10.9.0.102:9001",
    agentUrl: await through(9001),
    deadAgent: "tcp://10.9.0.101:9002",
    image: "alpine:3",
    freePort: 48571,
  }));

  describe("agents of a Swarm", () => {
    /** What the worker's agent answers to a signed request for a list. */
    const listed = async (path: string, target?: string): Promise<readonly Record<string, unknown>[]> => {
      const headers = Object.entries({
        ...signatureHeaders(newPairingKey(), secret),
        ...(target === undefined ? {} : { "x-portaineragent-target": target }),
      }).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
      const answer = await expectRun(second, ["curl", "-sk", ...headers, `https://127.0.0.1:9001${path}`]);
      return JSON.parse(answer);
    };
    const nodesOf = (list: readonly Record<string, unknown>[]) =>
      list.map(({ Portainer }) => (Portainer as { Agent: { NodeName: string } } | undefined)?.Agent.NodeName);

    test("gather the containers of all nodes, or ask the one that a header names", async () => {
      const all = await listed("/containers/json");
      expect([...new Set(nodesOf(all))].sort()).toEqual(["oak1", "oak2"]);
      const ofManager = await listed("/v1.41/containers/json", "oak1");
      expect(ofManager.length).toBeLessThan(all.length);
      expect(JSON.stringify(ofManager)).toContain("portainer_server");
    });

    test("end where no service has made them", async () => {
      const socket = "--volume=/var/run/docker.sock:/var/run/docker.sock";
      const command = ["docker", "run", "--rm", socket, "portainer/agent:2.23.0"];
      const { exitCode, stdout } = await run(second, command);
      expect({ exitCode, stdout }).toEqual({
        exitCode: 1,
        stdout: expect.stringContaining("unable to retrieve a list of IP associated to the host"),
      });
    });
  });

  describe("the volumes of tasks", () => {
    const mount = (path: string) =>
      `type=volume,src=${path},dst=/data,volume-driver=local,volume-opt=type=nfs,volume-opt=device=:/tank/oak/${path},"volume-opt=o=addr=10.9.0.2,rw"`;
    const service = (...args: readonly string[]) => docker(first, "service", ...args);
    const create = (name: string, path: string, ...more: readonly string[]) => {
      const fixed = [
        "--detach",
        "--quiet",
        "--endpoint-mode=dnsrr",
        "--mode=global",
        "--stop-grace-period=0s",
      ];
      return service("create", ...fixed, `--name=${name}`, `--mount=${mount(path)}`, ...more);
    };
    const written = (path: string) =>
      eventually(
        () => expectRun("pve", ["ls", `/tank/oak/${path}`]),
        (names) => names === "oak1\noak2\n",
        30_000,
      );

    test("are the server's directories on every node, and show what was declared", async () => {
      await expectRun(first, ["mkdir", "-p", "/persistent/notes", "/persistent/more"]);
      const command = ["sh", "-c", "touch /data/$(cat /etc/node); sleep 600"];
      await create(
        "notes",
        "notes",
        "--mount=type=bind,src=/etc/hostname,dst=/etc/node,readonly",
        "alpine:3",
        ...command,
      );
      expect(await written("notes")).toBe("oak1\noak2\n");
      const declared = { device: ":/tank/oak/notes", o: "addr=10.9.0.2,rw", type: "nfs" };
      const mounts = "{{json .Spec.TaskTemplate.ContainerSpec.Mounts}}";
      const [shown] = JSON.parse(await service("inspect", `--format=${mounts}`, "notes"));
      expect(shown.VolumeOptions).toEqual({ DriverConfig: { Name: "local", Options: declared } });
      const inspected = await docker(second, "volume", "inspect", "--format={{json .Options}}", "notes");
      expect(JSON.parse(inspected)).toEqual(declared);
      const changed = [`--mount-add=${mount("more")}`, "--update-monitor=1s"];
      await service("update", "--detach", "--quiet", ...changed, "notes");
      expect(await written("more")).toBe("oak1\noak2\n");
      await service("rm", "notes");
    });

    test("that the server does not have reject the task in the words of NFS", async () => {
      await create("nobody", "nobody", "alpine:3", "sleep", "600");
      const errors = await eventually(
        () => service("ps", "--no-trunc", "--format={{.Error}}", "nobody"),
        (words) => words.includes("mount"),
      );
      expect(errors).toContain("failed to mount local volume: mount :/tank/oak/nobody:");
      await service("rm", "nobody");
    });
  });
});
