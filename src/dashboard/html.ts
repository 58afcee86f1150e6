/** The page as HTML: served with its files beside it, or as one file with everything in it. Pure. */
import { createHash } from "node:crypto";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import type { Assets } from "./assets.ts";

/** The names of the page's files hold their content's hash: a browser may keep them forever. */
export interface ServedPage {
  readonly html: string;
  readonly files: ReadonlyMap<string, { readonly type: string; readonly text: string }>;
}

export function servedPage({ script, style }: Assets): ServedPage {
  const scriptName = `page-${hash(script, "hex").slice(0, 16)}.js`;
  const styleName = `page-${hash(style, "hex").slice(0, 16)}.css`;
  return {
    html: html(
      `<link rel="stylesheet" href="${styleName}">`,
      `${noScript}<script src="${scriptName}" defer></script>`,
    ),
    files: new Map([
      [`/${scriptName}`, { type: "text/javascript; charset=utf-8", text: script }],
      [`/${styleName}`, { type: "text/css; charset=utf-8", text: style }],
    ]),
  };
}

/** What a browser may do with the served page: load its own files and nothing else. */
export const servedPolicy = policy({
  "script-src": "'self'",
  "style-src": "'self'",
  "connect-src": "'self'",
  "frame-ancestors": "'none'",
});

/** One file that needs no server. A browser runs its script and style by their hashes, and loads nothing. */
export function staticPage({ script, style }: Assets, document: DashboardDocument): string {
  const inScript = script.replaceAll("</script", "<\\/script");
  const source = (text: string): string => `'sha256-${hash(text, "base64")}'`;
  const allowed = policy({ "script-src": source(inScript), "style-src": source(style) });
  return html(
    `<meta http-equiv="Content-Security-Policy" content="${allowed}">\n<style>${style}</style>`,
    [
      noScript,
      `<script type="application/json" id="data">${jsonInHtml(document)}</script>`,
      `<script>${inScript}</script>`,
    ].join("\n"),
  );
}

const noScript = "<noscript>This page needs JavaScript.</noscript>";

function policy(directives: Readonly<Record<string, string>>): string {
  const all = {
    "default-src": "'none'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    ...directives,
  };
  return Object.entries(all)
    .map(([directive, value]) => `${directive} ${value}`)
    .join("; ");
}

function html(head: string, end: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Phoenix</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
<div id="page"></div>
${end}
</body>
</html>
`;
}

/** JSON that no HTML parser takes for markup: "<" could begin an end tag or a comment. */
function jsonInHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function hash(text: string, encoding: "hex" | "base64"): string {
  return createHash("sha256").update(text).digest(encoding);
}
