/** What was changed in a running Compose file, in its author's text. */
import { expect, test } from "vitest";
import { mergedCompose } from "../../src/formats/compose/merge.ts";

const own = `services:
  web:
    # not newer
    image: nginx:1.27 # pinned
    ports:
      - "8080:80" # the door
      - "8443:443"
    environment:
      MODE: \${MODE}
`;
const prepared = `${own.replace("    # not newer\n", "")}    labels:
      phoenix: x
`;

test.each([
  [
    "a value",
    (text: string) => text.replace("nginx:1.27", "nginx:1.28"),
    own.replace("nginx:1.27", "nginx:1.28"),
  ],
  ["an item", (text: string) => text.replace("8080:80", "8081:80"), own.replace("8080:80", "8081:80")],
  [
    "a new member",
    (text: string) => text.replace("      MODE", "      LEVEL: debug\n      MODE"),
    own.replace("      MODE", "      LEVEL: debug\n      MODE"),
  ],
  [
    "a new item",
    (text: string) => text.replace('"8443:443"\n', '"8443:443"\n      - 53:53\n'),
    own.replace('"8443:443"\n', '"8443:443"\n      - 53:53\n'),
  ],
  [
    "an item that is gone",
    (text: string) => text.replace('      - "8443:443"\n', ""),
    own.replace('      - "8443:443"\n', ""),
  ],
])("%s, with the comments of the author", (_, edit, expected) => {
  expect(mergedCompose(own, prepared, edit(prepared))).toBe(expected);
});

test("what is not the author's own value cannot be told", () => {
  const inherited = "x: &x { image: a }\nservices:\n  web: *x\n";
  expect(
    mergedCompose(inherited, "services: { web: { image: a } }\n", "services: { web: { image: b } }\n"),
  ).toBeUndefined();
});
