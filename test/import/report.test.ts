/** IMPORT.md with texts that came from somewhere else. */
import { expect, test } from "vitest";
import { sourceText } from "../../src/import/found.ts";
import { reportText } from "../../src/import/report.ts";

const source = { host: "lxc/101", path: "/etc/nginx/sites-enabled/we\nird\u001b[2J", line: 3 } as const;
const row = (what: string) =>
  reportText([{ source, what, reason: "it is foreign" }])
    .split("\n")
    .at(-2);

test("a place is one line, and shows what nobody would see", () => {
  expect(sourceText(source)).toBe("lxc/101:/etc/nginx/sites-enabled/we\\nird\\u001b[2J:3");
});

test("a thing stays in its cell, and is no markup", () => {
  const place = "`lxc/101:/etc/nginx/sites-enabled/we\\nird\\u001b[2J:3`";
  expect(row("<b>a</b> | [x](y)")).toBe(`| ${place} | \`<b>a</b> \\| [x](y)\` | it is foreign |`);
  expect(row("a\n\u202eb")).toBe(`| ${place} | \`a \\u202eb\` | it is foreign |`);
  expect(row("Host(`a`) && ``b``")).toBe(
    `| ${place} | \`\`\` Host(\`a\`) && \`\`b\`\` \`\`\` | it is foreign |`,
  );
});
