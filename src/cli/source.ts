/** The site from git, for a call: which repository, and whether the site in a new commit may be used. */
import { type ExitCode, exitCodes, SiteError, UsageError } from "../errors.ts";
import { sourceLines } from "../render/unattended.ts";
import { count } from "../render/words.ts";
import type { Pulled } from "../unattended/source.ts";
import type { SiteSource } from "../unattended-settings.ts";
import type { Call } from "./command.ts";
import { deliver } from "./output.ts";
import { loadProven, type ProvenSite } from "./site.ts";

/** Updates the site of a call; undefined when it declares no source. @throws SiteError when it cannot be understood enough */
export async function updateSource(call: Call): Promise<Pulled | undefined> {
  const proven = await loadProven(call);
  const source = sourceOf(proven);
  if (source === undefined) return undefined;
  const [{ pullSource }, { localExec }] = await Promise.all([
    import("../unattended/source.ts"),
    import("../hosts/local.ts"),
  ]);
  const exec = localExec(call.interruption.now, "this machine");
  const check = async (): Promise<string | undefined> => faultOf(await loadProven(call));
  return call.terminal.redact(await pullSource({ root: proven.root, source, exec, check }));
}

/** A setting that cannot be understood must not count as one that is not there: signatures would not be asked for. */
function sourceOf({ understood, problems }: ProvenSite): SiteSource | undefined {
  if (problems.some(({ code }) => code === "PHX0109"))
    throw new SiteError("the settings of `unattended` have errors: the site was not updated", {
      hint: "`phoenix check` shows them",
    });
  return understood?.unattended?.source;
}

function faultOf({ problems }: ProvenSite): string | undefined {
  const [first, ...others] = problems.filter(({ severity }) => severity === "error");
  if (first === undefined) return undefined;
  const { at, message } = first;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `its site has ${count(others.length + 1, "error")}: ${at.file}:${at.line}: ${message}${more}`;
}

export async function runPull(call: Call): Promise<ExitCode> {
  if (call.args.length > 0) throw new UsageError(`unexpected argument "${call.args[0]}"`);
  const [{ siteRoot }, { isSourceFailure }] = await Promise.all([
    import("./site.ts"),
    import("../unattended/source.ts"),
  ]);
  const pulled = await updateSource(call);
  if (pulled === undefined)
    throw new SiteError("the site declares no source", {
      hint: 'clone the site with git, and add "unattended": {"source": {}} to etc/phoenix_hypervisor_config.json',
    });
  const exitCode = isSourceFailure(pulled) ? exitCodes.error : exitCodes.converged;
  const site = await siteRoot(call.options);
  await deliver(
    call,
    { source: pulled },
    ({ source }) => ({ format: "phoenix.source/1", site, source, exitCode }),
    ({ source }, view) => sourceLines(source, view, call.options.quiet),
  );
  return exitCode;
}
