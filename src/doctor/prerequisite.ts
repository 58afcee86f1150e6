/** The shape of a prerequisite: what must be so before a sync can work, how that is asked, and how the answer is judged. */
import type { ComponentName, Hazard, Io } from "../component.ts";
import type { SiteNode } from "../fabric/nodes.ts";
import { quoted } from "../formats/shell/quote.ts";
import type { Command, CommandResult, Host } from "../hosts/host.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";
import type { HypervisorFacts } from "./hypervisor-facts.ts";

/** A machine that something is asked of, and what is known of it before. */
export interface Subject {
  readonly site: Site;
  readonly machine: HostName;
  /** Absent for the hypervisor. */
  readonly guest?: Guest;
}

/** What `ask` works with. Everything that it does reads only. */
export interface Asking extends Subject {
  readonly host: Host;
  readonly io: Io;
  /** What the hypervisor knows of its guests, read once for all who ask. */
  readonly facts: () => Promise<HypervisorFacts>;
  /** What a sync of each component that takes part would be refused for, looked at once for all who ask. */
  readonly hazards: ReadonlyMap<ComponentName, () => Promise<readonly Hazard[]>>;
  /** The version of the Node.js that runs Phoenix. */
  readonly nodeVersion: string;
}

/** A command that puts something right. */
export interface Fix {
  /**
   * Where it runs; in the machine of the finding unless given. "node": on the node that has the guest. "entry": on the node that
   * Phoenix entered by. "here": where this Phoenix runs, with the same site and machines.
   */
  readonly on?: "node" | "entry" | "here";
  /** `["sh", "-c", LINE]` for more than one program. */
  readonly argv: readonly string[];
  /** It takes nothing away from anybody, and cannot cut anybody off: `--fix` may run it. */
  readonly isSafe?: true;
}

/** A value of the guest's configuration that is to be another one. */
export interface Setting {
  /** "net0" */
  readonly key: string;
  /** The value as it is. */
  readonly live: string;
  /** Changes what the finding is about, and nothing else. */
  readonly edit: (value: string) => string;
}

/** One thing that is not as it must be. */
export interface Finding {
  /** A fact, one line: "nginx is installed and does not run". */
  readonly message: string;
  readonly fix?: Fix;
  /** What the fix sets, where it sets values that other findings may want otherwise as well. */
  readonly settings?: readonly Setting[];
  /** What to do where no command can do it. */
  readonly hint?: string;
  /** A sync works without it, and something else may not. */
  readonly isWarning?: true;
  /** The machine that it concerns; the one that was asked unless given. */
  readonly machine?: HostName;
}

/** A row of the table, as docs/prerequisites.md and the program use it. */
export interface PrerequisiteText {
  /** "nginx-runs": what `--output json` names. Other rows' `after` refers to it. */
  readonly id: string;
  /** The components that need it; none for what every site needs. */
  readonly parts: readonly ComponentName[];
  /** The machines in words: "the hypervisor", "the gateway". */
  readonly where: string;
  /** What must be so, a sentence without a full stop. */
  readonly must: string;
  /** How it is asked: commands and files. */
  readonly asked: string;
  /** What puts it right. */
  readonly remedy: string;
  /** Whether `--fix` may do it: "sometimes" where that depends on what is found. */
  readonly isSafe?: true | "sometimes";
  /** Rows that have the same cause: where one of these finds something on the same machine, this one is silent. */
  readonly after?: readonly string[];
}

export interface Prerequisite extends PrerequisiteText {
  /** The machines to ask; none where the site does not need it. */
  readonly machines: (site: Site) => readonly HostName[];
  /** @throws what asking throws when the machine does not answer */
  readonly examine: (asking: Asking) => Promise<readonly Finding[]>;
}

interface Row<Answer> extends PrerequisiteText {
  readonly machines: (site: Site) => readonly HostName[];
  readonly ask: (asking: Asking) => Promise<Answer>;
  /** Pure. */
  readonly judge: (answer: Answer, subject: Subject) => readonly Finding[];
}

/** A row whose answer has a type of its own. */
export function prerequisite<Answer>({ ask, judge, ...row }: Row<Answer>): Prerequisite {
  return { ...row, examine: async (asking) => judge(await ask(asking), asking) };
}

/** A command that only reads. */
export function reading(...argv: readonly string[]): Command {
  return { argv, effect: "read" };
}

/** Runs a command that only reads. */
export function asked(host: Host, ...argv: readonly string[]): Promise<CommandResult> {
  return host.run(reading(...argv));
}

/** A shell line as a command. The line is ours, with values quoted by `quoted`. */
export function line(text: string): readonly string[] {
  return ["sh", "-c", text];
}

/** Commands one after the other, as long as they succeed. */
export function inTurn(...commands: readonly (readonly string[])[]): readonly string[] {
  return line(commands.map((argv) => argv.map(quoted).join(" ")).join(" && "));
}

/** Installs packages of Debian. */
export function installing(...packages: readonly string[]): readonly string[] {
  return inTurn(["apt-get", "update"], ["apt-get", "install", "-y", ...packages]);
}

/** The hypervisor, where `needs` holds. */
export function hypervisorIf(needs: (site: Site) => boolean): (site: Site) => readonly HostName[] {
  return (site) => (needs(site) ? ["pve"] : []);
}

/** The nodes that have a part of the site, where they can be asked: of a single host, the hypervisor. */
export function nodesWith(nodes: (site: Site) => readonly SiteNode[]): (site: Site) => readonly HostName[] {
  return (site) => nodes(site).flatMap(({ host, online }) => (online ? [host] : []));
}

/** Rows that find why a node of a cluster, with its guests, cannot be asked at all. */
export const nodeGates: readonly string[] = ["node-online", "node-ssh"];

/** Rows that find why a guest cannot be asked at all: what is asked in a guest is silent where they find something. */
export const guestGates = ["guest-exists", "guest-runs", "guest-agent", "guest-answers"] as const;
