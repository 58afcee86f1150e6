/**
 * The product's verdict on every recorded set of labels. What both versions of Traefik drop or disable is an error, what one
 * of them does is at least a warning, and what both serve are our routes, but for the kinds below.
 */
import { describe, expect, test } from "vitest";
import { decodeDynamic } from "../../lab/traefik/decode.ts";
import { traefikRuntime } from "../../lab/traefik/runtime.ts";
import { translateLabels } from "../../src/fabric/routes/index.ts";
import type { LabelledContainer } from "../../src/fabric/routes/labels.ts";
import { dynamicConfig, type MeshRoute } from "../../src/formats/traefik/index.ts";
import {
  containersOf,
  type RecordedAnswer,
  type RecordedCase,
  recordedLabels,
} from "../formats/traefik-recorded.ts";

/** Kinds of errors in what both versions serve, and why they are errors all the same. */
const stricter: readonly (readonly [kind: RegExp, reason: string])[] = [
  [/can never match/, "it is enabled, and 404 for everyone"],
  [/has no rule|is incomplete/, "the default rule makes a name that neither DNS nor the certificate has"],
  [/names no host/, "DNS, the certificate and the gateway need a name"],
  [/not a valid name of a router/, "such a name cannot be a route's in the mesh's file"],
  [/have the same rule and the same priority/, "which one serves changes from reload to reload"],
  [/does not publish its port|on the loopback address only/, "the mesh is another machine"],
  [/does not name one of its services/, "Traefik drops the router, and says so in its log alone"],
  [/has another value in/, "Traefik drops what two containers declare differently"],
  [/no label of the stack declares/, "the mesh reaches services of the stack alone"],
  [/which is Traefik itself/, "it would open the mesh's API to everyone"],
  [
    /not a valid port|unknown scheme|not a valid URL|would drop the path/,
    "it is enabled, and each request fails",
  ],
  [/is not a valid number/, "JSON has no number beyond 2^53"],
  [/error pages from a service/, "not supported"],
  [/syntax of Traefik v3/, "every rule is read as one of v3"],
  [/cannot be a name in .*: it has a dot/, "Traefik sets another header"],
];

/** Kinds of warnings in what both versions refuse: what the declaration alone cannot know, or what has no effect in the mesh. */
const asked: readonly (readonly [kind: RegExp, reason: string])[] = [
  [
    /must be declared in the mesh by other means|which the mesh must have/,
    "a file of the mesh may declare it: it is asked before anything is written",
  ],
];

/** Labels about TLS have no effect in the mesh, right or wrong; the gateway makes the redirect of a pair. */
const withoutTls: Readonly<Record<string, readonly string[]>> = {
  "routers/tls with options": ["app"],
  "containers/the pair for http and https": ["app-secure"],
};

/** About running containers, or about a Traefik with other options: a declaration says nothing about either. */
function isBesideThePoint({ name, files }: RecordedCase): boolean {
  return (
    files.traefik !== undefined ||
    /an unhealthy container|whose health is starting|that is not running/.test(name)
  );
}

function portOf(text: string): LabelledContainer["ports"][number] {
  const [numbers = "", protocol = "tcp"] = text.split("/");
  const [target = "", published = target, hostIp] = numbers.split(":").reverse();
  const port = {
    target: Number(target),
    published: Number(published),
    protocol,
    place: { line: 1, column: 1 },
  };
  return hostIp === undefined ? port : { ...port, hostIp };
}

function translated(recorded: RecordedCase): ReturnType<typeof translateLabels> {
  const containers = containersOf(recorded);
  return translateLabels(
    containers.map(({ name, labels, ports, marks }) => {
      // The recorder's containers have their numbers as their ids.
      const other = containers[Number(/^container:0*(\d+)$/.exec(marks.network ?? "")?.[1] ?? 0) - 1];
      const networkMode = other === undefined ? marks.network : `service:${other.name}`;
      return {
        stack: "recorded",
        service: name,
        labels: labels.map(([key, value]) => ({ key, value, from: { file: "x.yml", line: 1, column: 1 } })),
        ports: ports.map(portOf),
        address: "10.0.0.9",
        ...(networkMode === undefined ? {} : { networkMode }),
      };
    }),
  );
}

/** The routers of labels, or "refused" where one of them is disabled or a container was dropped. */
function outcome({ routers = {}, log = [] }: RecordedAnswer): readonly string[] | "refused" {
  const own = Object.entries(routers).filter(([name]) => name.endsWith("@docker"));
  const isDropped = log.some((line) => /^(?:app|other)-recorded|^Skip container/.test(line));
  if (isDropped || own.some(([, { status }]) => status === "disabled")) return "refused";
  // Those of the default rule are not ours.
  const named = own.map(([name]) => name.replace("@docker", "")).filter((name) => !/-recorded$/.test(name));
  return named.sort();
}

/** The errors of the routers that the lab's Traefik makes of our file; what the mesh's own files declare is not there. */
function disabledIn(routes: readonly MeshRoute[]): readonly string[] {
  const point = { port: 80, trusted: [] };
  const fixed = { entryPoints: { web: point }, watch: true, api: false, ping: false };
  const file = dynamicConfig({ routes, rootFile: "/etc/traefik/dynamic/root.crt" });
  const { routers } = traefikRuntime(fixed, decodeDynamic(file));
  return routers.flatMap(({ errors }) => errors).filter((error) => !/"m@file"|not found t@file/.test(error));
}

describe.each(recordedLabels.filter((each) => !isBesideThePoint(each)))("$name", (recorded) => {
  const { routes, faults } = translated(recorded);
  const errors = faults.filter(({ severity }) => severity !== "warning");
  const outcomes = [recorded.oldest, recorded.newest].map(outcome);
  const refused = outcomes.filter((each) => each === "refused").length;
  const explained = (list: typeof stricter, messages: typeof faults) =>
    messages.length > 0 && messages.every(({ message }) => list.some(([kind]) => kind.test(message)));

  const own = withoutTls[recorded.name];
  if (own !== undefined)
    test("is routed without TLS", () => {
      expect(faults).toEqual([]);
      expect(routes.map(({ id }) => id.replace(/^recorded-/, ""))).toEqual(own);
    });
  else if (refused === 2)
    test("is an error", () => {
      if (errors.length === 0 && explained(asked, faults)) return;
      expect(errors, JSON.stringify(faults)).not.toEqual([]);
    });
  else if (refused === 1)
    test("is reported", () => {
      expect(faults).not.toEqual([]);
    });
  else
    test("is routed", () => {
      if (explained(stricter, errors)) return;
      expect(errors).toEqual([]);
      expect(routes.map(({ id }) => id.replace(/^recorded-/, "")).sort()).toEqual(outcomes[1]);
      expect(disabledIn(routes)).toEqual([]);
    });
});
