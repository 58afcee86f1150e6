/**
 * The Swarm of the example of a cluster over its later days, on one node: a quarter of an hour, and more for each further try, so it runs
 * where PHOENIX_TESTBED_TRIES says how often each failing update is tried.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { boot, down, unavailable } from "./machines.ts";
import { converge, hurry, siteIn } from "./phoenix.ts";
import { swarmDays } from "./swarm-days.ts";
import { swarmUpdates } from "./swarm-updates.ts";

const root = join(import.meta.dirname, "../../examples/cluster");
const isWanted = unavailable === undefined && process.env.PHOENIX_TESTBED_TRIES !== undefined;

describe.skipIf(!isWanted)("the Swarm of the example of a cluster", () => {
  let site: WholeSite;
  beforeAll(async () => {
    site = await siteIn(root);
    await boot(root);
    await hurry();
  });
  afterAll(down);

  test("one sync of everything makes it", async () => {
    await converge("from untouched machines");
  }, 900_000);

  swarmUpdates(() => site, {
    stack: "hello",
    service: "hello_web",
    image: "nginxinc/nginx-unprivileged:1.27.4-alpine",
    port: 8080,
    name: "hello.elm.home.arpa",
  });
  swarmDays(() => site, {
    service: "hello_web",
    name: "hello.elm.home.arpa",
    secret: {
      file: "secrets/board_database_password",
      service: "board_database",
      target: "/run/secrets/database_password",
    },
  });
});
