/** Reaching the hypervisor by ssh, with a stand-in for the program. */
import { existsSync, readdirSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TransportError } from "../../src/errors.ts";
import { quoted } from "../../src/formats/shell/quote.ts";
import { openSsh, type Ssh } from "../../src/hosts/ssh.ts";
import { remoteLine, sshResult } from "../../src/hosts/ssh-command.ts";
import { type FakeSsh, fakeSsh } from "./fake-ssh.ts";
import { failure } from "./recorded.ts";

let fake: FakeSsh;
let ssh: Ssh;
const read = { argv: ["echo", "a  b"], effect: "read" } as const;

beforeEach(() => {
  fake = fakeSsh();
  vi.stubEnv("PATH", `${fake.directory}:${process.env.PATH}`);
  ssh = openSsh("root@pve", new AbortController().signal);
});
afterEach(async () => {
  await ssh.close();
  fake.remove();
  vi.unstubAllEnvs();
});

describe("the connection", () => {
  test("one is opened for all commands, when the first one runs; it never asks and never takes a terminal", async () => {
    const [first] = await Promise.all([ssh.exec(read), ssh.exec(read)]);
    expect(first.stdout).toBe("a  b\n");
    const calls = fake.calls();
    expect(calls).toHaveLength(3);
    expect(calls.filter((call) => call.includes("ControlMaster=yes"))).toHaveLength(1);
    for (const call of calls) {
      expect(call).toMatch(/^-T .*BatchMode=yes/);
      expect(call).toContain("-- root@pve ");
    }
  });

  test("its socket lies in a private directory that goes with it", async () => {
    await ssh.exec(read);
    const path = /ControlPath=(\S+)/.exec(fake.calls()[0] ?? "")?.[1] ?? "";
    expect(path.length).toBeLessThan(87);
    const directory = path.slice(0, path.lastIndexOf("/"));
    expect(existsSync(directory)).toBe(true);
    await ssh.close();
    expect(existsSync(directory)).toBe(false);
    expect(fake.calls().at(-1)).toContain("-O exit");
  });

  test("unused, it leaves no trace", async () => {
    vi.stubEnv("TMPDIR", fake.directory);
    const before = readdirSync(fake.directory);
    const unused = openSsh("root@pve", new AbortController().signal);
    await unused.close();
    expect(readdirSync(fake.directory)).toEqual(before);
  });
});

describe("the target is reached anew", () => {
  test("by a connection of its own, beside the shared one", async () => {
    await ssh.exec(read);
    await ssh.reconnect();
    const call = fake.calls().at(-1);
    expect(call).toMatch(/ControlMaster=no -o ControlPath=none .*BatchMode=yes.* -- root@pve true$/);
    expect(call).toMatch(/^-o ConnectTimeout=3 /);
  });

  test("or is not, which is an error", async () => {
    await ssh.exec(read);
    fake.fail("ssh: connect to host pve port 22: Connection timed out\n");
    expect(await failure(ssh.reconnect())).toBeInstanceOf(TransportError);
  });
});

describe("failures", () => {
  test.each([
    ["root@pve: Permission denied (publickey,password).\n", "root@pve: Permission denied", "with a key"],
    ["Host key verification failed.\n", "Host key verification failed", "shows the key"],
    [
      "ssh: Could not resolve hostname pve: Name or service not known\n",
      "Could not resolve",
      "~/.ssh/config",
    ],
    [
      "ssh: connect to host pve port 22: Connection refused\n",
      "connect to host pve port 22: Connection refused",
      undefined,
    ],
    ["", "the connection was lost", undefined],
  ])("ssh says %j", async (stderr, message, hint) => {
    fake.fail(stderr === "" ? "\n" : stderr);
    const error = await failure(ssh.exec(read));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as TransportError).message).toContain(`root@pve cannot be reached by ssh: ${message}`);
    if (hint === undefined) expect((error as TransportError).hint).toBeUndefined();
    else expect((error as TransportError).hint).toContain(hint);
  });

  test("a connection that breaks later is a transport error too", async () => {
    await ssh.exec(read);
    fake.fail("client_loop: send disconnect: Broken pipe\n");
    expect(await failure(ssh.exec(read))).toBeInstanceOf(TransportError);
  });

  test("no ssh at all", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    fake.fail("\n");
    expect(await failure(openSsh("pve", new AbortController().signal).exec(read))).toBeInstanceOf(
      TransportError,
    );
  });

  test("the command's own 255 is not taken for ssh's", async () => {
    const argv = ["sh", "-c", "echo container not running >&2; exit 255"];
    expect(await ssh.exec({ argv, effect: "read" })).toEqual({
      exitCode: 255,
      stdout: "",
      stderr: "container not running\n",
    });
    expect(() => sshResult("pve", "pve", { exitCode: 255, stdout: "", stderr: "lost\n" })).toThrow(
      TransportError,
    );
  });
});

describe("words", () => {
  test.each([
    ["plain", "plain"],
    ["/etc/nginx/a-b_c.conf", "/etc/nginx/a-b_c.conf"],
    ["", "''"],
    ["a b", "'a b'"],
    ["it's", "'it'\\''s'"],
    ["$(id)", "'$(id)'"],
    ["~", "'~'"],
    ["line\nbreak", "'line\nbreak'"],
  ])("%j becomes %s", (word, expected) => {
    expect(quoted(word)).toBe(expected);
  });

  test("the other side ends the command too, a little after us", () => {
    expect(remoteLine({ ...read, timeoutMs: 5_000 })).toMatch(/ sh 7 echo 'a {2}b'$/);
  });
});

describe("tunnels", () => {
  const echo = async (): Promise<{ port: number; close: () => void }> => {
    const server = createServer((socket) => {
      socket.on("data", (bytes) => socket.end(`echo ${String(bytes)}`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { port: (server.address() as AddressInfo).port, close: () => server.close() };
  };
  const talk = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => socket.write("hello"));
      socket.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });

  test("a loopback port leads there, for any number of connections", async () => {
    const server = await echo();
    const to = { protocol: "tcp", address: "127.0.0.1", port: server.port } as const;
    const near = await ssh.forward(to);
    expect(near.address).toBe("127.0.0.1");
    expect(near.port).not.toBe(server.port);
    expect(await Promise.all([talk(near.port), talk(near.port)])).toEqual(["echo hello", "echo hello"]);
    expect(await ssh.forward(to)).toEqual(near);
    expect(await ssh.forward({ ...to, protocol: "udp" })).toEqual(near);
    server.close();
  });

  test("nothing behind it closes the connection", async () => {
    const server = await echo();
    server.close();
    const near = await ssh.forward({ protocol: "tcp", address: "127.0.0.1", port: server.port });
    expect(await talk(near.port)).toBe("");
  });

  test("a test connection is made over there", async () => {
    const server = await echo();
    expect(await ssh.connect("127.0.0.1", server.port)).toEqual({ ok: true });
    server.close();
    expect(await ssh.connect("127.0.0.1", server.port)).toEqual({ ok: false, reason: "refused" });
  });
});
