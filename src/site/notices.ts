/** Who is told of changes of state, and where metrics are written. */
import { defined } from "../defined.ts";
import {
  type MetricsTarget,
  type NoticeTarget,
  type NoticeType,
  noticeEvents,
  noticeTypes,
} from "../notice.ts";
import type { SourceRef } from "../resource.ts";
import { Secret } from "../secret.ts";
import { looksSecret } from "../secret-spans.ts";
import type { SecretReader } from "./secrets/index.ts";
import type { Cell } from "./text/cell.ts";
import { Claims } from "./text/claims.ts";
import type { Problems } from "./text/problems.ts";

type Key = "url" | "topic" | "token" | "to" | "from";

/** The keys that each type needs, and those that it may have. */
const keysOf: Readonly<Record<NoticeType, { readonly needs: readonly Key[]; readonly may: readonly Key[] }>> =
  {
    ntfy: { needs: ["topic"], may: ["url", "token"] },
    gotify: { needs: ["url", "token"], may: [] },
    discord: { needs: ["url"], may: [] },
    slack: { needs: ["url"], may: [] },
    webhook: { needs: ["url"], may: ["token"] },
    mail: { needs: ["to"], may: ["from"] },
  };

/** Not reaching somebody is no reason not to work. */
const unreadable = "PHX0806";

const defaultNtfy = "https://ntfy.sh";

export async function readNotices(
  config: Cell,
  secrets: SecretReader,
  problems: Problems,
): Promise<readonly NoticeTarget[]> {
  const targets: NoticeTarget[] = [];
  const names = new Claims<SourceRef>();
  for (const cell of config.get("notices")?.items ?? []) {
    const type = wordOf(cell.get("type"), noticeTypes);
    // An unknown type is reported by the shape.
    if (type === undefined) continue;
    const name = cell.get("name")?.text || type;
    const taken = names.take(name, cell.ref);
    if (taken !== undefined)
      problems.report("PHX0803", cell.get("name") ?? cell, `two notices have the name "${name}"`, {
        related: [taken],
        hint: "give each a name",
      });
    const target = await readNotice(cell, type, name, secrets, problems);
    if (target !== undefined) targets.push(target);
  }
  return targets;
}

/** Undefined where something that is declared could not be read: nothing can be sent there. */
async function readNotice(
  cell: Cell,
  type: NoticeType,
  name: string,
  secrets: SecretReader,
  problems: Problems,
): Promise<NoticeTarget | undefined> {
  checkKeys(cell, type, problems);
  const url = await readUrl(cell.get("url"), type, secrets, problems);
  const topic = await readTopic(cell.get("topic"), secrets, problems);
  const token = cell.get("token");
  const found = {
    url: url?.server,
    topic: topic ?? url?.topic,
    token: token && (await secrets.read(token, true, unreadable))?.value,
  };
  const to = (cell.get("to")?.each ?? []).flatMap((each) => readAddress(each, problems) ?? []);
  const sender = readAddress(cell.get("from"), problems);
  const events = cell.get("events")?.items.flatMap((each) => wordOf(each, noticeEvents) ?? []);
  if ((["url", "topic", "token"] as const).some((key) => cell.get(key) !== undefined && !found[key])) return;
  return { name, type, ...defined({ ...found, sender }), to, events: events ?? noticeEvents, from: cell.ref };
}

function checkKeys(cell: Cell, type: NoticeType, problems: Problems): void {
  const { needs, may } = keysOf[type];
  // ntfy's topic may be the path of its URL, which is not known yet.
  const isThere = (key: Key): boolean =>
    cell.get(key) !== undefined ||
    (key === "topic" && /^https?:..[^/]+\/.|^\w+:(?!\/)/.test(cell.get("url")?.text ?? ""));
  for (const key of needs)
    if (!isThere(key))
      problems.report("PHX0801", cell, `a notice of type ${type} needs "${key}"`, { hint: `add "${key}"` });
  const known = new Set<string>([...needs, ...may]);
  for (const key of ["url", "topic", "token", "to", "from"] as const) {
    const unused = known.has(key) ? undefined : cell.get(key);
    if (unused !== undefined)
      problems.report("PHX0804", unused.keyRef, `"${key}" has no effect in a notice of type ${type}`);
  }
}

async function readTopic(
  cell: Cell | undefined,
  secrets: SecretReader,
  problems: Problems,
): Promise<Secret | undefined> {
  const read = cell && (await secrets.read(cell, false, unreadable));
  if (cell !== undefined && read?.isReference === false) secrets.hide(cell);
  if (cell === undefined || read?.length === undefined) return undefined;
  if (isTopic(read.value.reveal())) return read.value;
  return problems.report("PHX0802", cell, "the topic is not a valid ntfy topic", {
    hint: "a topic has letters, digits, _ and - only, 64 at most",
  });
}

function isTopic(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

/** The server, and for ntfy the topic in the URL's path. */
async function readUrl(
  cell: Cell | undefined,
  type: NoticeType,
  secrets: SecretReader,
  problems: Problems,
): Promise<{ readonly server?: Secret; readonly topic?: Secret } | undefined> {
  if (cell === undefined) return type === "ntfy" ? { server: new Secret(defaultNtfy) } : {};
  const isSecret = type === "discord" || type === "slack" || looksSecret(cell.text ?? "");
  const read = await secrets.read(cell, isSecret, unreadable);
  if (type !== "gotify" && read?.isReference === false) secrets.hide(cell);
  // A command that was not run has no value to judge.
  if (read?.length === undefined) return undefined;
  const url = urlOf(read.value.reveal().trim());
  if (url === undefined) {
    problems.report("PHX0802", cell, "the URL is not a valid http:// or https:// address");
    return undefined;
  }
  if (type !== "ntfy") return { server: new Secret(url.href) };
  const topic = url.pathname.replaceAll("/", "");
  const server = new Secret(`${url.origin}/`);
  if (topic === "" || isTopic(topic))
    return { server, ...(topic === "" ? {} : { topic: new Secret(topic) }) };
  return problems.report("PHX0802", cell, "the path of the URL is not a valid ntfy topic");
}

function urlOf(text: string): URL | undefined {
  return /^https?:\/\/./i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** One address, without anything that a mail's header or sendmail could take for more. */
function readAddress(cell: Cell | undefined, problems: Problems): string | undefined {
  if (cell?.text === undefined) return undefined;
  const isAddress =
    /^[\w.+%-]+(?:@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)?$/i.test(cell.text) && !cell.text.startsWith("-");
  return isAddress
    ? cell.text
    : problems.invalid("PHX0802", cell, "mail address", "root, or admin@example.net");
}

function wordOf<Word extends string>(cell: Cell | undefined, words: readonly Word[]): Word | undefined {
  const text = cell?.text?.toLowerCase();
  return words.find((word) => word === text);
}

/** Directories that are not for files of others. */
const systemDirectories = /^\/(?:etc|usr|bin|sbin|lib\w*|boot|dev|proc|sys|root)?(?:\/|$)(?!local\/)/;

export function readMetrics(config: Cell, problems: Problems): MetricsTarget | undefined {
  const cell = config.get("metrics")?.get("directory");
  if (cell?.text === undefined) return undefined;
  const directory = cell.text.replace(/\/+$/, "");
  const isOwn = /^(?:\/[\w.@+-]+)+$/.test(directory) && !systemDirectories.test(`${directory}/`);
  if (!isOwn || directory.split("/").some((part) => part === "." || part === ".."))
    return problems.invalid("PHX0805", cell, "directory of metrics", "/var/lib/prometheus/node-exporter");
  return { directory, from: cell.ref };
}
