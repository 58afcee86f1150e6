/** Commands for Docker on Portainer's machines: an image's name is never taken for an option. */
import { expect, test } from "vitest";
import { commands } from "../../src/components/portainer/commands.ts";

test.each([
  commands.runContainer("--volume=/:/host", ["--name", "portainer_agent"]),
  commands.hasImage("--format={{json .}}"),
  commands.pull("--all-tags"),
])("$argv", ({ argv }) => {
  expect(argv.at(-2)).toBe("--");
  expect(argv.at(-1)).toMatch(/^--\w/);
});
