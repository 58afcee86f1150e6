/** Questions about a line: of a generated text, or of the site's own files. */
import { defined } from "../defined.ts";
import { guestOf } from "../fabric/guests.ts";
import type { Explained, GeneratedText, LineReason, Reason } from "../origin.ts";
import type { HostName } from "../resource.ts";
import type { Entry } from "../site/places.ts";
import type { Effect, Sense } from "./answer.ts";
import { Causes, type Context, reasonsByLine } from "./context.ts";
import { effectsOf, lineEffects, placeOf } from "./effects.ts";

/** A text that a question names, and the resource that it is written for. */
interface Found {
  readonly of: Explained;
  readonly text: GeneratedText;
}

/** The generated texts that `name` can mean: "pve:/etc/…", "/etc/…", "gateway:/etc/…", "dns/records", "firewall/cluster". */
export function textsNamed({ site, explained }: Context, name: string): readonly Found[] {
  const all = explained.flatMap((of) => of.texts.map((text): Found => ({ of, text })));
  const [, written, path] = /^(?:([^:]+):)?(\/.*)$/.exec(name) ?? [];
  if (path !== undefined) {
    const host = written === undefined ? undefined : (hostNamed(site, written) ?? written);
    return all.filter(({ text }) => text.path === path && (host === undefined || text.host === host));
  }
  const own = all.filter(({ of }) => of.resource.id === name).slice(0, 1);
  if (own.length > 0) return own;
  const file = /^firewall\/(\w+)$/.exec(name)?.[1];
  return file === undefined ? [] : all.filter(({ text }) => text.path === `/etc/pve/firewall/${file}.fw`);
}

/** The host that a question calls by its name, its id or its guest's name. */
export function hostNamed(site: Context["site"], name: string): HostName | undefined {
  const wanted = name.toLowerCase();
  if (wanted === "pve") return "pve";
  const guest =
    guestOf(site, wanted as HostName) ??
    site.guests.find((each) => each.name.toLowerCase() === wanted || String(each.id) === wanted) ??
    site.guests.find((each) => each.address === wanted && !each.template);
  if (guest !== undefined) return guest.host;
  return wanted === site.hypervisor.address ? "pve" : undefined;
}

/** Why a generated line is there; undefined when the text has no such line. */
export function lineSense(context: Context, { of, text }: Found, line: number): Sense | undefined {
  const reason = text.lines[line - 1];
  if (reason === undefined) return undefined;
  const causes = new Causes(context.places);
  causes.add(reason.origins);
  const what = text.path === undefined ? of.resource.id : placeOf(text);
  const id = reason.resource ?? of.resource.id;
  const shown = text.text.split("\n")[line - 1] ?? "";
  const owner = context.explained.find(({ resource }) => resource.id === id) ?? of;
  return {
    title: `line ${line} of ${what}: ${unitWords(reason)}${id}`,
    ...defined({
      text:
        text.sensitive === true
          ? "(not shown: it may hold secrets)"
          : shown.trim() === ""
            ? undefined
            : shown,
    }),
    causes: causes.all,
    effects: [],
    notes: notesOf(reason, owner, text, causes),
  };
}

function unitWords({ unit }: LineReason): string {
  return unit === undefined ? "part of " : `"${unit}" of `;
}

function notesOf(
  { note, origins }: LineReason,
  { why, resource }: Explained,
  { path }: GeneratedText,
  causes: Causes,
): readonly string[] {
  const { id } = resource;
  const notes = note === undefined ? [] : [note];
  if (origins.length === 0) {
    notes.push("no key of the site decides this line: it is a fixed part of what Phoenix writes");
    causes.add(why.origins);
  }
  if (why.note !== undefined && why.note !== note) notes.push(`${id}: ${why.note}`);
  if (path?.startsWith("/etc/pve/firewall/") === true)
    notes.push("lines are counted in the file as Phoenix writes it: foreign lines of the host shift them");
  return notes;
}

/** What follows from a line of the site's own files; undefined when the site has no such line. */
export function siteLineSense(context: Context, file: string, line: number): Sense | undefined {
  const lines = context.places.lines(file);
  const count = (lines?.length ?? 0) - (lines?.at(-1) === "" ? 1 : 0);
  if (lines === undefined || line < 1 || line > count) return undefined;
  const title = `line ${line} of the site's ${file}`;
  const exact = followingFrom(context, file, line, line);
  if (exact.effects.length > 0) return { title, ...exact, notes: notRead(context, file, line) };
  const on = context.places.entryOn(file, line);
  const isValue = on !== undefined && on.first === line && on.last === line;
  // A bracket, a remark or a key that decides nothing itself: what its entry declares.
  for (let entry = context.places.entryOn(file, line); entry?.parent !== undefined; entry = entry.parent) {
    if (notRead(context, file, line).length > 0) break;
    // Around a value, only what declares its whole entry: its neighbours have lines of their own.
    const last = isValue && entry.first !== line ? entry.first : entry.last;
    const around = followingFrom(context, file, entry.first, last);
    if (around.effects.length === 0) continue;
    const where = entry.first === last ? `line ${entry.first}` : `lines ${entry.first} to ${last}`;
    const note = `nothing follows from this line alone; this follows from ${entry.path.join(".")} (${where})`;
    return { title, ...around, notes: [note] };
  }
  return {
    title,
    causes: [],
    effects: [],
    notes: [...notRead(context, file, line), "nothing follows from this line"],
  };
}

/** Keys that Phoenix knows and does not read. */
function notRead({ places }: Context, file: string, line: number): readonly string[] {
  const entry: Entry | undefined = places.entryOn(file, line);
  if (entry === undefined || entry.first !== line) return [];
  return entry.cell.shape?.kind === "anything" ? [`Phoenix does not read ${entry.path.join(".")}`] : [];
}

function followingFrom(
  context: Context,
  file: string,
  first: number,
  last: number,
): Pick<Sense, "causes" | "effects"> {
  const { explained, places } = context;
  const byLine = reasonsByLine(context);
  const asked = new Set<Reason>();
  for (let line = first; line <= last; line += 1)
    for (const reason of byLine.get(`${file}:${line}`) ?? []) asked.add(reason);
  const causes = new Causes(places);
  if (asked.size === 0) return { causes: [], effects: [] };
  const isAsked = (reason: Reason): boolean => asked.has(reason);
  const units = effectsOf(explained, causes, isAsked, { whole: true });
  return { causes: causes.all, effects: [...units, ...lineEffects(explained, causes, isAsked)] };
}

/** A whole generated file: why it is there, and what is in it. */
export function fileSense(context: Context, { of, text }: Found): Sense {
  const causes = new Causes(context.places);
  causes.add(of.why.origins);
  const ids = new Set(text.lines.map((line) => line.resource ?? of.resource.id));
  const effects: readonly Effect[] = effectsOf(
    context.explained.filter(({ resource }) => ids.has(resource.id)),
    causes,
    () => true,
  );
  return {
    title: `${placeOf(text)}, which ${of.resource.id} writes`,
    causes: causes.all,
    effects,
    notes: Object.values(defined({ note: of.why.note })),
  };
}
