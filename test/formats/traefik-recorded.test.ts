/**
 * The product's verdict on every recorded file. What both versions of Traefik refuse or disable is an error, what one of them
 * does is at least a warning, and what both serve is without a fault, but for the kinds below, where Phoenix is stricter.
 */
import { describe, expect, test } from "vitest";
import { configurationFaults } from "../../src/formats/traefik/configuration.ts";
import { type RecordedAnswer, recordedFiles } from "./traefik-recorded.ts";

/** Kinds of faults in what both versions serve, and why they are faults all the same. */
const stricter: readonly (readonly [kind: RegExp, reason: string])[] = [
  [/can never match/, "it is enabled, and 404 for everyone"],
  [/is not a valid URL of a server/, "it is enabled, and each request fails"],
  [/asks for TLS/, "it is enabled, and 404 on a plain entry point"],
  [/is on entry point/, "the mesh has no other entry point than web"],
  [/is a template/, "it says something else on each machine"],
  [/middleware m: sourceRange: "x"/, "what nobody uses is not built, and fails as soon as somebody uses it"],
  [/is not a valid status/, "Traefik takes the first two numbers of a range and drops the rest"],
  [/is not a valid text/, "a list where a text belongs becomes a text of boxes and numbers"],
  [/is not a valid number/, "JSON has no number beyond 2^53, and none with underscores"],
];

function isServed({ accepted, routers = {} }: RecordedAnswer): boolean {
  const statuses = Object.values(routers).map(({ status }) => status);
  return accepted && statuses.length > 0 && !statuses.includes("disabled");
}

describe.each(recordedFiles)("$name", ({ files, oldest, newest }) => {
  const faults = configurationFaults(files["dynamic.yml"] ?? "");
  const served = [oldest, newest].filter(isServed).length;

  if (served < 2)
    test("is reported", () => {
      expect(faults).not.toEqual([]);
    });
  else
    test("is taken", () => {
      const unexplained = faults.filter(({ message }) => !stricter.some(([kind]) => kind.test(message)));
      expect(unexplained).toEqual([]);
    });
});
