/** keepalived (2.2.7) as far as a pair of gateways needs it: its configuration, and its checker's words. */

export interface VrrpInstance {
  readonly interface: string;
  readonly priority: number;
  /** It leaves an address to a machine that has it, whatever that one's priority (`nopreempt`). */
  readonly isPatient: boolean;
  readonly routerId: number;
  readonly peers: readonly string[];
  /** Addresses without their prefix length. */
  readonly shared: readonly string[];
  /** The units whose failure takes the machine out. */
  readonly tracked: readonly string[];
}

export interface KeepalivedConfig {
  readonly instances: readonly VrrpInstance[];
  /** As the checker prints them. */
  readonly problems: readonly string[];
  /** Some problem keeps the daemon from starting. */
  readonly isFatal: boolean;
}

interface Block {
  readonly words: readonly string[];
  readonly line: number;
  readonly inner: readonly Block[];
}

const known: Readonly<Record<string, readonly string[]>> = {
  global_defs: ["router_id", "script_user", "enable_script_security", "vrrp_garp_master_refresh"],
  vrrp_script: ["script", "interval", "timeout", "fall", "rise", "weight", "user"],
  vrrp_instance: [
    ...["state", "nopreempt", "interface", "virtual_router_id", "priority", "advert_int"],
    ...["unicast_src_ip", "unicast_peer", "virtual_ipaddress", "track_script", "preempt_delay"],
  ],
};

/** @param file as the checker names it; @param interfaces those of the machine */
export function readKeepalived(text: string, file: string, interfaces: readonly string[]): KeepalivedConfig {
  const blocks = blocksIn(text);
  const problems: string[] = [];
  let isFatal = false;
  const unknown = ({ words: [word = ""], line }: Block): number =>
    problems.push(`(${file}: Line ${line}) Unknown keyword '${word}'`);
  for (const block of blocks) {
    const keywords = known[block.words[0] ?? ""];
    if (keywords === undefined) unknown(block);
    for (const each of block.inner) {
      if (keywords?.includes(each.words[0] ?? "") === false) unknown(each);
      const [word, name = ""] = each.words;
      if (block.words[0] !== "vrrp_instance" || word !== "interface" || interfaces.includes(name)) continue;
      problems.push(
        `(${file}: Line ${each.line}) WARNING - interface ${name} for vrrp_instance ${block.words[1]} doesn't exist`,
      );
      isFatal = true;
    }
  }
  if (isFatal) problems.push("Non-existent interface specified in configuration");
  const instances = blocks
    .filter(({ words }) => words[0] === "vrrp_instance")
    .map((block) => instanceOf(block, blocks));
  return { instances, problems, isFatal };
}

function instanceOf({ inner }: Block, all: readonly Block[]): VrrpInstance {
  const find = (word: string): Block | undefined => inner.find(({ words }) => words[0] === word);
  const value = (word: string): string => find(word)?.words[1] ?? "";
  const listed = (word: string): readonly string[] =>
    (find(word)?.inner ?? []).map(({ words }) => words[0] ?? "");
  const tracked = listed("track_script").flatMap((name) => {
    const script = all.find(({ words }) => words[0] === "vrrp_script" && words[1] === name);
    const line = script?.inner.find(({ words }) => words[0] === "script")?.words.join(" ") ?? "";
    return /is-active (?:--quiet )?([\w@-]+)\.service/.exec(line)?.[1] ?? [];
  });
  return {
    interface: value("interface"),
    priority: Number(value("priority") || 100),
    isPatient: find("nopreempt") !== undefined,
    routerId: Number(value("virtual_router_id")),
    peers: listed("unicast_peer"),
    shared: listed("virtual_ipaddress").map((address) => address.split("/")[0] ?? ""),
    tracked,
  };
}

/** Lines of words; one that ends in a brace holds those up to its closing one. */
function blocksIn(text: string): readonly Block[] {
  const root: Block[] = [];
  const stack = [root];
  for (const [at, written] of text.split("\n").entries()) {
    const line = written.replace(/[#!].*$/, "").trim();
    if (line === "}") {
      if (stack.length > 1) stack.pop();
      continue;
    }
    if (line === "") continue;
    const inner: Block[] = [];
    stack.at(-1)?.push({ words: line.replace(/\s*\{$/, "").split(/\s+/), line: at + 1, inner });
    if (line.endsWith("{")) stack.push(inner);
  }
  return root;
}
