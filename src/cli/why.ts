/** `phoenix why`: which lines of the site something follows from, and what follows from a line. */
import { type ExitCode, exitCodes, SiteError, UsageError } from "../errors.ts";
import type { ArgumentWorld, Call, CommandDefinition } from "./command.ts";

export const whyCommand: CommandDefinition = {
  name: "why",
  arguments: "<name>",
  summary: "show which lines of the site something follows from",
  description: [
    "A name is a DNS name, a guest, a stack, a port (vm/311:3000), an address, a certificate, a variable, a resource, a",
    "generated line (/etc/pve/firewall/cluster.fw:12, lxc/101:/etc/nginx/sites-available/gateway:40, stacks/wiki:9), or a",
    "line or key of the site's own files. Every meaning of it is shown. Only the site's files are read: no host is asked.",
  ],
  uses: ["site", "output", "full"],
  examples: [
    ["phoenix why wiki.example.net", "what declares the name, and everything that follows"],
    ["phoenix why vm/311:3000", "what opens the port, and who uses it"],
    ["phoenix why /etc/pve/firewall/cluster.fw:12", "why a generated line is there"],
    ["phoenix why etc/phoenix_vm_configs.json:70", "what follows from a line of the site"],
  ],
  exits: [
    ["converged", "answered"],
    ["error", "the site cannot be read"],
    ["usage", "nothing of the site is called so"],
  ],
  completes: namesOf,
  isPaged: true,
  run: runWhy,
};

async function runWhy(call: Call): Promise<ExitCode> {
  const [asked, ...more] = call.args;
  if (asked === undefined || more.length > 0)
    throw new UsageError(
      asked === undefined ? "`phoenix why` needs a name" : "`phoenix why` takes one name",
      {
        hint: "`phoenix help why` has examples",
      },
    );
  const [{ loadProven }, { contextOf }, { answerTo }, { whyDocument }, { whyLines }, { deliver }] =
    await Promise.all([
      import("./site.ts"),
      import("../why/context.ts"),
      import("../why/index.ts"),
      import("../render/json-why.ts"),
      import("../render/text-why.ts"),
      import("./output.ts"),
    ]);
  const { root, understood: site, problems, sources } = await loadProven(call, { runsCommands: false });
  if (site === undefined)
    throw new SiteError("the site has errors that keep it from being understood", {
      hint: "`phoenix check` shows them",
    });
  const answer = answerTo(await contextOf(site, sources), asked);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  await deliver(
    call,
    { site: root, answer, errors },
    (facts) => whyDocument(facts, exitCodes.converged),
    (facts, view) => whyLines(facts, view),
    site,
  );
  return exitCodes.converged;
}

async function namesOf(_position: number, { siteOf }: ArgumentWorld): Promise<readonly string[]> {
  try {
    const [{ siteRoot }, { loadSite }, { contextOf }, { namesIn }] = await Promise.all([
      import("./site.ts"),
      import("../site/load.ts"),
      import("../why/context.ts"),
      import("../why/names.ts"),
    ]);
    const { understood, sources } = await loadSite(await siteRoot(siteOf()), { runsCommands: false });
    return understood === undefined ? [] : namesIn(await contextOf(understood, sources));
  } catch {
    return [];
  }
}
