/** What the state of a container says about its service. */
import { expect, test } from "vitest";
import {
  healthOf,
  type SeenContainer,
  serviceState,
  tooManyRestarts,
  uptimeMs,
} from "../../src/components/stacks/containers.ts";
import { readCompose } from "../../src/formats/compose/index.ts";

const app = (restart: string) =>
  readCompose(`services:\n  app:\n    image: nginx\n    restart: "${restart}"\n`, new Map()).compose!
    .services[0]!;
const seen = (change: Partial<SeenContainer>): SeenContainer => ({
  id: "1",
  name: "app-1",
  service: "app",
  image: "nginx",
  state: "running",
  status: "Up 3 seconds",
  labels: {},
  ports: [],
  ranMs: 3_000,
  restarts: 0,
  ...change,
});

test.each<[string, string, Partial<SeenContainer>, string]>([
  ["has run for long enough", "always", { ranMs: 10_000 }, "fine"],
  ["was started just now", "always", {}, "proving"],
  ["was restarted and runs again", "always", { restarts: 9 }, "proving"],
  ["has recovered", "always", { restarts: 9, ranMs: 11_000 }, "fine"],
  ["waits for its next start", "always", { state: "restarting", restarts: 1 }, "proving"],
  ["has ended too often", "always", { state: "restarting", restarts: tooManyRestarts }, "broken"],
  ["was not started yet", "always", { state: "created", status: "Created" }, "waiting"],
  ["is a job that ended well", "no", { state: "exited", status: "Exited (0) 2 seconds ago" }, "fine"],
  ["is a job that failed", "no", { state: "exited", status: "Exited (2) 2 seconds ago" }, "broken"],
  ["was stopped by hand", "always", { state: "exited", status: "Exited (0) 2 seconds ago" }, "broken"],
])("a container that %s", (_, restart, change, kind) => {
  expect(serviceState(app(restart), [seen(change)], 10_000).kind).toBe(kind);
});

test.each([
  ["Up Less than a second", 0],
  ["Up 1 second", 1_000],
  ["Up 59 seconds (healthy)", 59_000],
  ["Up About a minute", 60_000],
  ["Up 3 days", 60_000],
  ["Exited (0) 2 seconds ago", 0],
])("%s is at least %i ms", (status, ms) => {
  expect(uptimeMs(status)).toBe(ms);
});

test.each([
  ["Up 1 second (health: starting)", "starting"],
  ["Up 3 minutes (healthy)", "healthy"],
  ["Up 3 minutes (unhealthy)", "unhealthy"],
  ["Up 3 minutes", undefined],
])("the health in %s", (status, health) => {
  expect(healthOf(seen({ status }))).toBe(health);
});
