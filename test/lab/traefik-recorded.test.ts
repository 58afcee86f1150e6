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

/** Where the lab is less kind: re2js has the classes of characters under the names of Go 1.22, 3.7.15 also under others. */
const unkind = [
  "values/stripPrefixRegex with a Unicode class in lower case",
  "values/stripPrefixRegex with a long name of a class",
];

test.each(unkind)("%s is what the oldest version makes of it", (name) => {
  const { files, oldest } = recordedFiles.find((each) => each.name === name)!;
  expect(outcomeOf(answer(files["dynamic.yml"] ?? ""))).toEqual(outcomeOf(oldest));
});

test.each(recordedFiles.filter(({ name }) => !unkind.includes(name)))("$name", ({ files, newest }) => {
  expect(outcomeOf(answer(files["dynamic.yml"] ?? ""))).toEqual(outcomeOf(newest));
});
