/** The documentation site, built by script/docs. A link to a page that does not exist ends the build. */
import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { groups } from "./pages.mjs";

export default defineConfig({
  title: "Phoenix",
  description:
    "Brings a Proxmox VE host's whole service fabric to what its configuration declares, and proves it.",
  lang: "en",
  // The path on the web server: "/phoenix/".
  base: process.env.PHOENIX_DOCS_BASE ?? "/",
  cacheDir: "./node_modules/.cache",
  srcExclude: ["node_modules/**"],
  // What lies outside docs/ is part of the repository, not of the site.
  ignoreDeadLinks: [/^(\.\/)?(\.\.\/)+/],
  markdown: { config: keepBraces },
  themeConfig: {
    search: { provider: "local" },
    outline: { level: [2, 3] },
    sidebar: groups.map(({ text, pages }) => ({ text, items: pages.map(item) })),
  },
});

function item(page) {
  const [, text] = /^# (.+)$/m.exec(readFileSync(new URL(`../${page}.md`, import.meta.url), "utf8"));
  return { text: text.replaceAll("`", ""), link: page === "index" ? "/" : `/${page}` };
}

/** Commands in a line of text may have {{.State}}, which Vue would evaluate; blocks of code are left alone anyway. */
function keepBraces({ renderer: { rules } }) {
  const { code_inline: render } = rules;
  rules.code_inline = (tokens, at, ...rest) => {
    tokens[at].attrSet("v-pre", "");
    return render(tokens, at, ...rest);
  };
}
