/** A service that gets another name keeps its port, or its container's name, on each version of Portainer. */
import { describe, expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import { syncLab } from "./session.ts";
import { stack, stacksLab, withStacks } from "./stacks-site.ts";

const file = (name: string, more = '    ports: ["8081:80"]\n') =>
  `services:\n  ${name}:\n    image: nginx:1.27\n    restart: always\n${more}`;
const site = (text: string) => withStacks(stack("web", text));
const named = '    container_name: the-web\n    ports: ["8081:80"]\n';

describe.each(["2.23.0", "2.39.1", "2.45.0"] as const)("with Portainer %s", (version) => {
  test.each([
    ["port", file("old"), file("new"), "web-new-1"],
    ["name", file("old", named), file("new", named), "the-web"],
  ])("a renamed service gets the %s of its former self", async (what, before, after, container) => {
    const lab = await stacksLab(version);
    await syncLab(lab.directory, site(before), [stacks]);
    const result = await syncLab(lab.directory, site(after), [stacks]);
    expect(result.components[0]).toMatchObject({ outcome: "changed" });
    expect(exitCodeOf(result)).toBe(0);
    expect(await lab.running()).toEqual([container]);
    expect(result.components[0]!.notes.join()).toMatch(
      what === "port" ? /web-old-1 on drphoenix was removed before.*port 8081/ : /it has the name the-web/,
    );
    expect((await syncLab(lab.directory, site(after), [stacks])).components[0]!.outcome).toBe("unchanged");
  });

  test("a renamed service that does not stay up makes room for its former self", async () => {
    const lab = await stacksLab(version);
    await syncLab(lab.directory, site(file("old")), [stacks]);
    const broken = file("new", '    ports: ["8081:80"]\n    entrypoint: ["/bin/false"]\n');
    const result = await syncLab(lab.directory, site(broken), [stacks]);
    expect(exitCodeOf(result)).toBe(7);
    expect(await lab.running()).toEqual(["web-old-1"]);
    expect((await syncLab(lab.directory, site(file("old")), [stacks])).components[0]!.outcome).toBe(
      "unchanged",
    );
  });
});

test("a leftover that ran without a stack in Portainer runs again when the deployment fails", async () => {
  const lab = await stacksLab("2.45.0");
  const machine = lab.world.host("vm/1002");
  await machine.writeFiles([{ path: "/srv/docker-compose.yml", text: file("old") }]);
  await lab.docker("compose", "-f", "/srv/docker-compose.yml", "-p", "web", "up", "-d");
  const broken = file("new", '    ports: ["8081:80"]\n    entrypoint: ["/bin/false"]\n');
  const result = await syncLab(lab.directory, site(broken), [stacks], { allow: ["adopt"] });
  // The stack stays in Portainer, since removing it would end the container: that is not the previous state.
  expect(exitCodeOf(result)).toBe(1);
  expect(await lab.docker("inspect", "--format", "{{.State.Status}}", "web-old-1")).toBe("running\n");
});
