/** Configs and secrets: made once, in use or not. */
import { describe, expect, test } from "vitest";
import type { ContractSession } from "./portainer-session.ts";
import { fileOf, type SwarmCalls } from "./swarm-session.ts";

export function contentContract(on: ContractSession, swarm: SwarmCalls): void {
  describe("configs and secrets", () => {
    const name = `contract${on.mark}k`;
    const Data = Buffer.from("a text of the contract").toString("base64");
    const text = (what: string) =>
      `${fileOf(on.server.image, `    ${what}:\n      - { source: it, target: /it }\n`)}${what}:\n  it: { external: true, name: ${name} }\n`;

    for (const what of ["configs", "secrets"] as const)
      test(`${what}: made once by their name, used by it, and kept while they are`, async () => {
        const made = await swarm.docker("POST", `/${what}/create`, { Name: name, Data, Labels: { a: "b" } });
        expect(made).toMatchObject({
          status: on.ownStatus ? 201 : 200,
          body: { ID: expect.stringMatching(/^[a-z0-9]{25}$/), Portainer: expect.anything() },
        });
        expect(await swarm.docker("POST", `/${what}/create`, { Name: name, Data })).toMatchObject({
          status: 409,
          body: { message: expect.stringContaining("already exists") },
        });
        const { body: listed } = await swarm.docker(
          "GET",
          `/${what}?filters=${encodeURIComponent(JSON.stringify({ label: ["a=b"] }))}`,
        );
        expect(listed).toEqual([
          expect.objectContaining({
            ID: made.body.ID,
            Spec: expect.objectContaining({ Name: name, Labels: { a: "b" } }),
          }),
        ]);
        expect(listed[0].Spec.Data).toBe(what === "configs" ? Data : undefined);
        const stack = await swarm.create(`${name}${what}`, text(what));
        expect(await swarm.failure(stack)).toBeUndefined();
        expect(await swarm.running(`${name}${what}`, 1)).toHaveLength(1);
        const used = (await swarm.service(`${name}${what}`)).Spec.TaskTemplate.ContainerSpec;
        expect(used[what === "configs" ? "Configs" : "Secrets"]).toMatchObject([
          {
            File: { Name: "/it" },
            ...(what === "configs" ? { ConfigName: name } : { SecretName: name }),
          },
        ]);
        expect(await swarm.docker("DELETE", `/${what}/${made.body.ID}`)).toMatchObject({
          status: 400,
          body: {
            message: expect.stringContaining(`is in use by the following service: ${name}${what}_web`),
          },
        });
        const change = { Name: name, Data: Buffer.from("another").toString("base64"), Labels: {} };
        const { body: now } = await swarm.docker("GET", `/${what}/${made.body.ID}`);
        expect(
          await swarm.docker("POST", `/${what}/${made.body.ID}/update?version=${now.Version.Index}`, change),
        ).toMatchObject({
          status: 400,
          body: { message: expect.stringContaining("only updates to Labels are allowed") },
        });
        expect((await swarm.remove(stack.body.Id)).status).toBe(204);
        expect((await swarm.docker("DELETE", `/${what}/${made.body.ID}`)).status).toBe(204);
        expect((await swarm.docker("GET", `/${what}/${made.body.ID}`)).status).toBe(404);
      });
  });
}
