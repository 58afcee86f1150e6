/** What Traefik asks of a middleware as a whole, besides each of its values (3.0.4 and 3.7.15). Pure. */
import type { FaultAt } from "../fault.ts";
import { type JsonObject, member, membersOf } from "../json/index.ts";
import { fieldFaults, isSwitchedOff, middlewareFields } from "./fields.ts";

/** The faults of a middleware's options; the place of one is the field that it is about, "" for the whole. */
export function middlewareFaults(options: JsonObject): readonly FaultAt<string>[] {
  const [kind, ...more] = Object.keys(options).filter((name) => !isSwitchedOff(name, options[name]));
  if (kind === undefined) return [{ place: "", message: "it has no type" }];
  if (more.length > 0) {
    const hint = "declare one middleware for each, and use both";
    return [{ place: "", message: `it has several types: ${kind}, ${more.join(", ")}`, hint }];
  }
  return [
    ...fieldFaults(options, middlewareFields).map((fault) => ({ ...fault, place: "" })),
    ...wholeFaults(options),
  ];
}

/** What cannot be said of one value alone: what is missing, and what excludes each other. */
export function wholeFaults(options: JsonObject): readonly FaultAt<string>[] {
  return Object.entries(options).flatMap(([kind, value]) => {
    const given = membersOf(value);
    const missing = (required[kind] ?? []).filter((name) => isZero(given[name]));
    return [
      ...missing.map((name) => ({ place: `${kind}.${name}`, message: `${kind} needs a value of ${name}` })),
      ...(excluding[kind]?.(given) ?? []).map((message) => ({ place: kind, message })),
    ];
  });
}

/** Without these the router that uses the middleware is disabled. */
const required: Readonly<Record<string, readonly string[]>> = {
  addPrefix: ["prefix"],
  redirectScheme: ["scheme"],
  ipAllowList: ["sourceRange"],
  ipWhiteList: ["sourceRange"],
  basicAuth: ["users"],
  retry: ["attempts"],
  circuitBreaker: ["expression"],
  errors: ["service"],
};

const excluding: Readonly<Record<string, (given: JsonObject) => readonly string[]>> = {
  rateLimit: criterionFaults,
  inFlightReq: criterionFaults,
  compress: ({ excludedContentTypes, includedContentTypes }) =>
    isZero(excludedContentTypes) || isZero(includedContentTypes)
      ? []
      : ["excludedContentTypes and includedContentTypes exclude each other"],
  headers: (given) => (Object.values(given).every(isZero) ? ["headers sets nothing"] : []),
  plugin: (given) => {
    const names = Object.keys(given);
    return names.length === 1
      ? []
      : [`it needs one plugin, not ${names.length === 0 ? "none" : names.join(", ")}`];
  },
};

/** A source is told by one of its criteria. */
function criterionFaults({ sourceCriterion }: JsonObject): readonly string[] {
  const names = ["ipStrategy", "requestHeaderName", "requestHost"];
  const given = names.filter((name) => {
    const value = member(sourceCriterion, name);
    return name === "ipStrategy" ? value !== undefined : !isZero(value);
  });
  return given.length > 1 ? [`the criteria ${given.join(" and ")} exclude each other`] : [];
}

/** Go's zero of a type: what it cannot tell from nothing. */
function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === false || value === 0;
}
