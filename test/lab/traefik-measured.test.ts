/**
 * The lab's mesh against what a real Traefik 3.7.15 did with the same files (traefik-measured.json): how its API saw the
 * router `r`, and what it answered to GET /p/x?k=v for a.test. Before each file it had loaded `base`. A backend that
 * tells what it got listened on 127.0.0.1:19000, nobody on port 1. Texts about rules differ from version to version.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { traefikApi } from "../../lab/traefik/api.ts";
import { type DynamicConfiguration, decodeDynamic, RefusedFile } from "../../lab/traefik/decode.ts";
import { type MeshAction, meshAction } from "../../lab/traefik/serve.ts";

interface Measured {
  readonly text: string;
  readonly router: Readonly<Record<string, unknown>> | null;
  readonly answer: string;
}

const cases: readonly Measured[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "traefik-measured.json"), "utf8"),
);

const base = decodeDynamic(
  JSON.stringify({
    http: {
      routers: { r: { rule: "Host(`a.test`) && PathPrefix(`/`)", service: "s" } },
      services: { s: { loadBalancer: { servers: [{ url: "http://127.0.0.1:19000" }] } } },
    },
  }),
);
const fixed = {
  entryPoints: { web: { port: 18080, trusted: [] }, traefik: { port: 18081, trusted: [] } },
  watch: true,
  api: true,
  ping: true,
};

function loaded(text: string): DynamicConfiguration {
  try {
    return decodeDynamic(text);
  } catch (error) {
    if (error instanceof RefusedFile) return base;
    throw error;
  }
}

function answerOf(action: MeshAction): string {
  if (action.kind === "api") return "api";
  if (action.kind === "answer") {
    const { status, text, headers } = action;
    return `${status} ${text.trim()} ${headers.location ?? ""} ${headers["x-two"] ?? ""}`.trim();
  }
  const { headers, passHost, responseHeaders } = action;
  const [{ url, path }] = action.servers;
  if (url.port === "1") return "502 Bad Gateway";
  return `200 ${path} host=${passHost ? headers.host : url.host} x1=${headers["x-one"]} two=${responseHeaders["x-two"]}`;
}

test("there are enough cases", () => {
  expect(cases.length).toBeGreaterThan(120);
});

test.each(cases)("$text", ({ text, router, answer }) => {
  const state = { static: fixed, dynamic: loaded(text), seen: "", startMs: 0 };
  const shown = traefikApi(state, "/api/http/routers/r@file");
  const seen = shown.status === 200 ? JSON.parse(shown.text) : null;
  if (router === null) expect(seen).toBeNull();
  else {
    const { errors, ...members } = router;
    expect(seen).toMatchObject(members);
    const words = (seen.error ?? []).map((error: string) =>
      error.replace(/error while parsing rule .*/s, "RULE"),
    );
    expect(words.sort()).toEqual(errors);
  }
  const request = {
    entryPoint: "web",
    host: "a.test",
    method: "GET",
    uri: "/p/x?k=v",
    clientAddress: "127.0.0.1",
  };
  expect(answerOf(meshAction(state, { ...request, headers: { host: "a.test" } }))).toBe(answer);
});
