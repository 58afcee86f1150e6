/** A cluster of recorded answers: what its entry node is asked, and what reaches the other nodes by ssh. */
import type { Command, CommandResult, Exec } from "../../src/hosts/host.ts";
import { scriptOf } from "../../src/hosts/script.ts";

export interface AskedNode {
  /** "" for the node that was entered. */
  readonly node: string;
  /** What ran there; of ssh the line that its shell gets. */
  readonly line: string;
  readonly command: Command;
}

export interface FakeCluster {
  readonly exec: Exec;
  /** All but the opening of connections and reads of /etc/pve. */
  readonly asked: AskedNode[];
  /** The argv of every ssh. */
  readonly ssh: (readonly string[])[];
  /** How often files of /etc/pve were read. */
  readonly looks: () => number;
  /** Below /etc/pve, or absolute; objects are JSON. */
  readonly files: Record<string, unknown>;
}

type Answer = Partial<CommandResult> | Promise<Partial<CommandResult>>;

/** @param answer what a command gets; of ssh's own connecting, the line is "true" */
export function fakeCluster(
  files: Record<string, unknown>,
  answer: (node: string, line: string, command: Command) => Answer = () => ({}),
): FakeCluster {
  const asked: AskedNode[] = [];
  const ssh: (readonly string[])[] = [];
  let looks = 0;
  const exec: Exec = async (command) => {
    const { argv } = command;
    const script = scriptOf(argv);
    if (script?.name === "read-files") {
      looks++;
      return { exitCode: 0, stdout: contents(files, script.parameters), stderr: "" };
    }
    if (argv[0] === "mkdir") return { exitCode: 0, stdout: "", stderr: "" };
    const isRemote = argv[0] === "/usr/bin/ssh";
    const node = isRemote ? (argv.find((each) => each.startsWith("HostKeyAlias="))?.slice(13) ?? "") : "";
    // The line ends with the command; before it is the script that bounds its time.
    const line = isRemote ? (argv.at(-1) ?? "").replace(/^[\s\S]*' sh '?\d+'? /, "") : argv.join(" ");
    if (isRemote) ssh.push(argv);
    if (!isRemote || line !== "true") asked.push({ node, line, command });
    return { exitCode: 0, stdout: "", stderr: "", ...(await answer(node, line, command)) };
  };
  return { exec, asked, ssh, looks: () => looks, files };
}

function contents(files: Record<string, unknown>, paths: readonly string[]): string {
  const lines = paths.map((path) => {
    const content = files[path.replace("/etc/pve/", "")];
    if (content === undefined) return "absent";
    const text = typeof content === "string" ? content : JSON.stringify(content);
    return `file 440 root:www-data 0:33 - ${Buffer.from(text).toString("base64")}`;
  });
  return `${lines.join("\n")}\n`;
}

/** pve1 and pve2 are up, pve3 is not. */
export const members = {
  nodename: "pve1",
  version: 3,
  cluster: { name: "oak", version: 2, nodes: 3, quorate: 1 },
  nodelist: {
    pve1: { id: 1, online: 1, ip: "10.0.0.13" },
    pve2: { id: 2, online: 1, ip: "10.0.0.14" },
    pve3: { id: 3, online: 0, ip: "10.0.0.15" },
  },
};

export const guest = (node: string, type: "lxc" | "qemu") => ({ node, type, version: 1 });
