import { describe, expect, test } from "vitest";
import { inspect } from "../../src/components/portainer/container.ts";
import { NotReadyError } from "../../src/errors.ts";
import type { CommandResult, Exec } from "../../src/hosts/host.ts";
import { createHost } from "../../src/hosts/script-host.ts";

const answering = (result: Partial<CommandResult>) => {
  const exec: Exec = async () => ({ exitCode: 0, stdout: "", stderr: "", ...result });
  return createHost("vm/1001", exec);
};

describe("a container as Docker tells of it", () => {
  test("without labels and environment", async () => {
    const stdout = JSON.stringify([
      {
        Id: "ab12",
        State: { Status: "exited" },
        Config: { Image: "portainer/agent:2.21", Labels: null, Env: null },
      },
    ]);
    expect(await inspect(answering({ stdout }), "portainer_agent")).toEqual({
      id: "ab12",
      image: "portainer/agent:2.21",
      state: "exited",
      startedMs: 0,
      labels: {},
      env: [],
    });
  });

  test.each(["", "Emulate Docker CLI using podman.", "{}", "[null]"])("%j is no answer", async (stdout) => {
    await expect(inspect(answering({ stdout }), "portainer_agent")).rejects.toThrow(NotReadyError);
    await expect(inspect(answering({ stdout }), "portainer_agent")).rejects.toThrow("cannot be read");
  });

  test("there is none", async () => {
    const stderr = "Error response from daemon: No such container: portainer_agent";
    expect(await inspect(answering({ exitCode: 1, stderr }), "portainer_agent")).toBeUndefined();
  });
});
