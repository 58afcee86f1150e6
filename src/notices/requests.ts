/**
 * The request, or the mail, that carries a notice to a target. What stands in a message is text to every one of them: no mention,
 * link or format of theirs. Pure.
 */
import { defined } from "../defined.ts";
import type { HttpRequest } from "../hosts/network.ts";
import type { Notice, NoticeTarget } from "../notice.ts";
import { cut, type Message, messageOf } from "./message.ts";

type Post = Omit<HttpRequest, "ca" | "timeoutMs">;

/** What a target is sent over HTTP; undefined for mail. */
export function requestOf(target: NoticeTarget, notice: Notice): Post | undefined {
  const url = target.url?.reveal() ?? "";
  const token = target.token?.reveal();
  const message = messageOf(notice);
  const bearer = defined({ authorization: token === undefined ? undefined : `Bearer ${token}` });
  switch (target.type) {
    case "ntfy":
      return post(url, ntfy(message, target.topic?.reveal() ?? ""), bearer);
    case "gotify":
      return post(below(url, "message"), gotify(message), defined({ "x-gotify-key": token }));
    case "discord":
      return post(url, discord(message));
    case "slack":
      return post(url, slack(message));
    case "webhook":
      return post(url, webhook(message, notice), bearer);
    case "mail":
      return undefined;
  }
}

function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Post {
  const json = { "content-type": "application/json", "user-agent": "phoenix", ...headers };
  return { method: "POST", url, headers: json, body: JSON.stringify(body), effect: "change" };
}

function below(url: string, path: string): string {
  return `${url.replace(/\/+$/, "")}/${path}`;
}

/** ntfy 2: published as JSON to the server's root, because a header holds ASCII only. Markdown is off unless it is asked for. */
function ntfy({ title, body, urgency }: Message, topic: string): object {
  const priority = { bad: 4, notable: 3, good: 3 }[urgency];
  // Longer ones become attachments; the limit is 4096 bytes.
  return { topic, title: cut(title, 250), message: cut(body, 1_300), priority };
}

/** Gotify 2: text/plain unless an extra says otherwise. */
function gotify({ title, body, urgency }: Message): object {
  return { title, message: body, priority: { bad: 8, notable: 5, good: 4 }[urgency] };
}

/** Discord's limit is 2000 characters. 4: no previews of links. */
function discord({ title, body }: Message): object {
  const text = literal(cut(body, 1_600));
  return {
    username: "Phoenix",
    content: `${withoutMarkup(cut(title, 250))}\n\`\`\`\n${text}\n\`\`\``,
    allowed_mentions: { parse: [] },
    flags: 4,
  };
}

/** Slack, and what takes its format: Mattermost, Rocket.Chat. The three characters that Slack gives a meaning are escaped. */
function slack({ title, body }: Message): object {
  const escaped = (text: string): string =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const text = `${escaped(withoutMarkup(cut(title, 250)))}\n\`\`\`\n${escaped(literal(cut(body, 3_000)))}\n\`\`\``;
  return { text, unfurl_links: false, unfurl_media: false };
}

function webhook({ title, body }: Message, { id, atMs, site, command, news }: Notice): object {
  const time = new Date(atMs).toISOString();
  return { format: "phoenix.notice/1", id, time, site, command, title, text: body, news };
}

/** A character without width: it keeps two others apart. */
const apart = "\u200b";

/** Text for a block of code: only its fence and mentions have a meaning there. */
function literal(text: string): string {
  return text.replaceAll("`", `\`${apart}`).replaceAll("@", `@${apart}`);
}

/** Text outside of one, which must neither mention anybody, nor link, nor be formatted. */
function withoutMarkup(text: string): string {
  return text.replace(/[*_~`|[\]<>#@\\]|:\/\//g, (mark) =>
    mark === "://" ? `:${apart}//` : `${mark}${apart}`,
  );
}

export interface Mail {
  readonly to: readonly string[];
  /** Header and body, as RFC 5322 wants them, with line ends as sendmail takes them. */
  readonly text: string;
}

export function mailOf({ to, sender }: NoticeTarget, notice: Notice): Mail {
  const { title, body } = messageOf(notice);
  const header = {
    From: sender === undefined ? undefined : `Phoenix <${sender}>`,
    To: to.join(", "),
    Subject: words(title),
    Date: new Date(notice.atMs).toUTCString().replace("GMT", "+0000"),
    // Nobody's answering machine answers.
    "Auto-Submitted": "auto-generated",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "base64",
  };
  const lines = Object.entries(defined(header)).map(([name, value]) => `${name}: ${value}`);
  const encoded = Buffer.from(`${body}\n`).toString("base64").replace(/.{76}/g, "$&\n");
  return { to, text: `${lines.join("\n")}\n\n${encoded}\n` };
}

/** A header's text: as it is, or for anything but plain ASCII as encoded words of at most 75 characters (RFC 2047). */
function words(text: string): string {
  if (/^[ -~]{0,70}$/.test(text)) return text;
  const parts: string[] = [];
  let part = "";
  for (const character of text) {
    if (Buffer.byteLength(part + character) > 42) {
      parts.push(part);
      part = "";
    }
    part += character;
  }
  return [...parts, part].map((each) => `=?utf-8?B?${Buffer.from(each).toString("base64")}?=`).join("\n ");
}
