/** Why something is as it is: which lines of the site decide it, and what follows from a line. Pure; no host is asked. */
import { UsageError } from "../errors.ts";
import { tracedNames } from "../fabric/hops.ts";
import { nearest } from "../formats/text/nearest.ts";
import type { Origin } from "../origin.ts";
import type { Answer, Sense } from "./answer.ts";
import { Causes, type Context, isAbout } from "./context.ts";
import { effectsOf } from "./effects.ts";
import { fileSense, lineSense, siteLineSense, textsNamed } from "./lines.ts";
import { kindsOfNames, type Meaning, meaningsOf, namesIn } from "./names.ts";

/**
 * Everything that a name or a place can mean, each with the lines that decide it and what follows.
 * @throws UsageError with near names, when nothing of the site is called so
 */
export function answerTo(context: Context, asked: string): Answer {
  const places = placeSenses(context, asked);
  const senses = places.length > 0 ? places : [...nameSenses(context, asked), ...keySenses(context, asked)];
  const { off } = context;
  if (senses.length > 0) return { asked, senses, off };
  const gone = off.find(({ component }) => component === asked.split("/")[0]);
  if (gone !== undefined)
    return {
      asked,
      senses: [
        {
          title: `${asked}: ${gone.component === asked ? "a component" : "of a component"} that is off`,
          causes: [],
          effects: [],
          notes: [gone.reason],
        },
      ],
      off,
    };
  throw unknownName(context, asked);
}

function unknownName(context: Context, asked: string): UsageError {
  const near =
    nearest(asked.toLowerCase(), namesIn(context)) ??
    nearest(asked.toLowerCase().split(".")[0] ?? "", namesIn(context));
  return new UsageError(`unknown name "${asked}": nothing of the site is called so`, {
    hint: `${near === undefined ? "" : `did you mean ${near}? Or `}${kindsOfNames}`,
  });
}

/** "FILE:LINE" or "FILE:LINE:COLUMN", of a generated text or of the site. */
function placeSenses(context: Context, asked: string): readonly Sense[] {
  const [, file = "", written = ""] = /^(.+?):(\d+)(?::\d+)?$/.exec(asked.trim()) ?? [];
  const line = Number(written);
  if (file !== "") {
    const texts = textsNamed(context, file);
    const own = siteLineSense(context, siteFile(context, file), line);
    const senses = texts.flatMap((found) => lineSense(context, found, line) ?? []);
    if (senses.length > 0 || own !== undefined) return own === undefined ? senses : [...senses, own];
    const [found] = texts;
    const lines = found?.text.lines.length ?? context.places.lines(siteFile(context, file))?.length ?? 0;
    if (lines > 0)
      throw new UsageError(`${file} has no line ${line}`, {
        hint: `it has ${lines} lines as ${found === undefined ? "it is" : "Phoenix writes it"}`,
      });
    return [];
  }
  return asked.includes("/")
    ? textsNamed(context, asked.trim())
        .filter(
          ({ text }) =>
            (text.path !== undefined && asked.includes("/etc/")) ||
            (text.path !== undefined && asked.startsWith("/")) ||
            /^[^/]+:\//.test(asked),
        )
        .map((found) => fileSense(context, found))
    : [];
}

/** A file as it is named from the site's root, or by its absolute path. */
function siteFile({ site }: Context, file: string): string {
  return file.startsWith(`${site.root}/`) ? file.slice(site.root.length + 1) : file.replace(/^\.\//, "");
}

function nameSenses(context: Context, asked: string): readonly Sense[] {
  const { explained } = context;
  const meanings = meaningsOf(context, asked).flatMap((meaning) => senseOf(context, meaning) ?? []);
  // The same lines decide it on every node of a cluster: "dns/records@pve2".
  const id = asked.includes("/") ? asked.replace(/@[^/@]+$/, "") : asked;
  const resources = explained.filter(
    ({ resource }) => resource.id === asked || resource.id === id || resource.id.startsWith(`${asked}/`),
  );
  if (resources.length === 0) return meanings;
  const causes = new Causes(context.places);
  const [only, second] = resources;
  if (only !== undefined && second === undefined) causes.add(only.why.origins);
  const effects = effectsOf(resources, causes, () => true);
  const title = second === undefined ? `${asked}: a resource` : `${asked}: a component`;
  const notes = resources.flatMap(({ why }) => (why.note === undefined ? [] : [why.note]));
  return [{ title, causes: causes.all, effects, notes: [...new Set(notes)] }, ...meanings];
}

/** Undefined for a meaning that nothing follows from and that nobody declares. */
function senseOf(
  context: Context,
  { title, subjects, notes, services = [], guest, name }: Meaning,
): Sense | undefined {
  const causes = new Causes(context.places);
  causes.add([
    ...services.map(({ from }): Origin => ({ at: from, says: "declares the name" })),
    ...(guest === undefined ? [] : [{ at: guest.from, says: "declares the guest" }]),
  ]);
  const others = name === undefined ? undefined : new Set(tracedNames(context.site));
  const isOther = (unit: string): boolean => unit !== name && others?.has(unit) === true;
  const effects = effectsOf(
    context.explained,
    causes,
    (reason, unit) => isAbout(reason, subjects) && !isOther(unit),
  );
  if (effects.length === 0 && causes.all.length === 0) return undefined;
  return { title, causes: causes.all, effects, notes };
}

/** A key of the site's files: "dns_server.upstream_servers", or a whole file. */
function keySenses(context: Context, asked: string): readonly Sense[] {
  const { places } = context;
  const [, file, key = asked] = /^(.+\.json)#(.+)$/.exec(asked) ?? [];
  const words = key.split(/[./]/);
  const files = file === undefined ? places.files : [siteFile(context, file)];
  return files.flatMap((name) =>
    places
      .entries(name)
      .filter(
        ({ path }) =>
          path.length === words.length && path.length > 0 && path.every((step, at) => step === words[at]),
      )
      .flatMap(({ first, path }) => {
        const sense = siteLineSense(context, name, first);
        return sense === undefined ? [] : [{ ...sense, title: `${path.join(".")} in the site's ${name}` }];
      }),
  );
}
