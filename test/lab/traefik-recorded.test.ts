/** The lab's Traefik plays 3.7.15: what it makes of each recorded file is what that version made of it. */
import { expect, test } from "vitest";
import { decodeDynamic, RefusedFile } from "../../lab/traefik/decode.ts";
import { traefikRuntime } from "../../lab/traefik/runtime.ts";
import { outcomeOf, type RecordedAnswer, recordedFiles } from "../formats/traefik-recorded.ts";

const point = { port: 80, trusted: [] };
const fixed = {
  entryPoints: { web: point, websecure: point, traefik: point },
  watch: true,
  api: true,
  ping: false,
};

function answer(text: string): RecordedAnswer {
  try {
    const { routers, services, middlewares } = traefikRuntime(fixed, decodeDynamic(text));
    const statuses = (
      objects: Iterable<{
        name: string;
        status: "enabled" | "warning" | "disabled";
        errors: readonly string[];
      }>,
    ) =>
      Object.fromEntries([...objects].map(({ name, status, errors }) => [name, { status, error: errors }]));
    return {
      accepted: true,
      routers: statuses(routers),
      services: statuses(services.values()),
      middlewares: statuses(middlewares.values()),
    };
  } catch (error) {
    if (error instanceof RefusedFile) return { accepted: false, message: error.message };
    throw error;
  }
}

test.each(recordedFiles)("$name", ({ files, newest }) => {
  expect(outcomeOf(answer(files["dynamic.yml"] ?? ""))).toEqual(outcomeOf(newest));
});
