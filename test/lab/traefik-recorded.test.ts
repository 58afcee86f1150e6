/** The lab's Traefik plays 3.7.15: what it makes of each recorded file and set of labels is what that version made of it. */
import { expect, test } from "vitest";
import { type DynamicConfiguration, decodeDynamic, RefusedFile } from "../../lab/traefik/decode.ts";
import { type LabelledContainer, labelConfiguration } from "../../lab/traefik/labels.ts";
import { traefikRuntime } from "../../lab/traefik/runtime.ts";
import {
  containersOf,
  outcomeOf,
  type RecordedAnswer,
  type RecordedCase,
  recordedFiles,
  recordedLabels,
} from "../formats/traefik-recorded.ts";

const point = { port: 80, trusted: [] };
const fixed = {
  entryPoints: { web: point, websecure: point, traefik: point },
  watch: true,
  api: true,
  ping: false,
};

function answer(text: string): RecordedAnswer {
  try {
    return { accepted: true, ...ofRuntime(decodeDynamic(text)) };
  } catch (error) {
    if (error instanceof RefusedFile) return { accepted: false, message: error.message };
    throw error;
  }
}

function ofRuntime(dynamic: DynamicConfiguration): Omit<RecordedAnswer, "accepted"> {
  const { routers, services, middlewares } = traefikRuntime(fixed, dynamic);
  const statuses = (
    objects: Iterable<{
      name: string;
      status: "enabled" | "warning" | "disabled";
      errors: readonly string[];
    }>,
  ) => Object.fromEntries([...objects].map(({ name, status, errors }) => [name, { status, error: errors }]));
  return {
    routers: statuses(routers),
    services: statuses(services.values()),
    middlewares: statuses(middlewares.values()),
  };
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

function ofLabels(recorded: RecordedCase): RecordedAnswer {
  const containers = containersOf(recorded).flatMap(({ name, labels, ports, marks }, at) => {
    if (marks.state !== undefined && marks.state !== "running") return [];
    const health = marks.health as LabelledContainer["health"];
    return [
      {
        name: `${name}-recorded`,
        labels: Object.fromEntries(labels),
        address: `127.0.1.${at + 1}`,
        ports: ports.map((port) => Number(port.replace(/\/.*$/, "").split(":").at(-1))),
        ...(health === undefined ? {} : { health }),
      },
    ];
  });
  const options = recorded.files.traefik ?? "";
  const { dynamic } = labelConfiguration(containers, {
    exposedByDefault: options.includes("exposedByDefault=true"),
    defaultRule: /defaultRule=(.*)/.exec(options)?.[1] ?? "Host(`{{ normalize .Name }}`)",
  });
  const file = decodeDynamic(recorded.files["dynamic.yml"] ?? "");
  const both = Object.fromEntries(
    (["routers", "services", "middlewares", "serversTransports"] as const).map((name) => [
      name,
      { ...dynamic[name], ...file[name] },
    ]),
  );
  return { accepted: true, ...ofRuntime({ ...file, ...both }) };
}

test.each(recordedLabels)("labels: $name", (recorded) => {
  expect(outcomeOf(ofLabels(recorded))).toEqual(outcomeOf(recorded.newest));
});

/** Where 3.0.4 does something else than the version that the lab plays: newer fields, and cycles that eat its memory. */
const otherIn304 = `
documents/services that lead to each other
middlewares/basicAuth empty
middlewares/basicauth empty
middlewares/compress with an unknown encoding
middlewares/compress with encodings
middlewares/encodedCharacters
middlewares/errors with statusRewrites
middlewares/forwardAuth with forwardBody
middlewares/headers with contentSecurityPolicyReportOnly
middlewares/rateLimit with Redis
routers/observability
routers/observability
services/health check with unhealthyInterval
services/highestRandomWeight
services/passive health check
services/preservepath
services/scheme empty
services/server with IPv6 without brackets
services/server with preservePath
services/sticky with a path
services/strategy hrw
services/strategy p2c
services/strategy unknown
services/strategy unknown
services/strategy wrr
services/strategy wrr
services/url and port
services/url without a scheme
services/weighted with itself
values/an empty strategy
values/compress with an unknown default encoding
values/headers with HSTS zero
values/stripPrefixRegex with a Unicode class in lower case
values/stripPrefixRegex with a long name of a class`;

test("3.0.4 differs in these cases alone", () => {
  const differing = [...recordedFiles, ...recordedLabels].filter(
    ({ oldest, newest }) => JSON.stringify(outcomeOf(oldest)) !== JSON.stringify(outcomeOf(newest)),
  );
  expect(differing.map(({ name }) => name).sort()).toEqual(otherIn304.trim().split("\n").sort());
});
