/** A lab whose virtual machine with the agent is a Swarm of one, and a stack to deploy to it. */
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import type { Stack } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import type { WholeSite } from "../whole-site.ts";
import { agent } from "./site.ts";
import { type StacksLab, stack, stacksLab, withStacks } from "./stacks-site.ts";

const from = { file: "stacks/notes/phoenix.json", line: 1, column: 1 };
export const file = (image = "nginx:1.27", replicas = 1, more = ""): string => `services:
  web:
    image: ${image}
    ports:
      - { target: 80, published: 8081, mode: host }
    environment:
      GREETING: \${GREETING}
    secrets: [db]
    configs:
      - { source: app, target: /etc/app.ini }
    deploy:
      replicas: ${replicas}
${more}secrets:
  db: { file: ./db.pass }
configs:
  app: { file: ./app.ini }
`;

export const notes = (text = file(), secret = "canary-of-the-secret-1") =>
  stack("notes", text, {
    swarm: "oak",
    variables: [{ name: "GREETING", value: new Secret('it\'s $5 "here"'), sensitive: false, from }],
    files: [
      { source: "stacks/notes/db.pass", destination: "", content: new Secret(secret), from },
      {
        source: "stacks/notes/app.ini",
        destination: "",
        content: new Secret("canary of the config\n"),
        from,
      },
    ],
  });

export const oak = (...all: readonly Stack[]): WholeSite => ({
  ...withStacks(...all),
  swarms: [
    { name: "oak", environment: "drphoenix", members: [{ guest: agent, role: "manager", from }], from },
  ],
});

export async function swarmStacksLab(): Promise<StacksLab> {
  const lab = await stacksLab("2.23.0");
  const init = { ListenAddr: "0.0.0.0:2377", AdvertiseAddr: "10.0.0.102" };
  await askDocker(lab.world.host(agent.host), "POST", "/swarm/init", init);
  return lab;
}
