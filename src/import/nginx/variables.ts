/** Variables of Nginx whose value is the same for every request to a name: `set`, and `map` by the request's host. Pure. */
import type { LocatedDirective } from "../../formats/nginx/includes.ts";

/** The value of a variable for requests to one name; undefined where it depends on more than the name. */
export type Variables = (name: string) => string | undefined;

/** The variables that hold the host name of a request. */
const hostVariables = ["host", "http_host", "server_name", "ssl_server_name"];

/** Variables with the path of a request, as `proxy_pass` hands it on anyway. */
const pathVariables =
  /^\$\{?(?:request_uri|uri|document_uri)\}?(?:\$is_args\$args|\$is_args\$query_string)?$/;

/**
 * @param levels blocks from the outside in: what is set further inside counts
 * @param maps the `map` blocks of the configuration
 * @param serverName the name that requests are for
 */
export function variablesOf(
  levels: readonly (readonly LocatedDirective[])[],
  maps: readonly LocatedDirective[],
  serverName: string,
): Variables {
  const resolve = (name: string, within: readonly string[]): string | undefined => {
    if (hostVariables.includes(name)) return isPlain(serverName) ? serverName : undefined;
    if (within.includes(name)) return undefined;
    const deeper = (text: string): string | undefined =>
      substituted(text, (each) => resolve(each, [...within, name]));
    for (const level of [...levels].reverse()) {
      const values = settings(level, name);
      if (values.length > 1 || isSetUnderCondition(level, name)) return undefined;
      if (values[0] !== undefined) return deeper(values[0]);
    }
    const map = maps.find(({ args }) => args[1] === `$${name}`);
    const key = map?.args[0] === undefined ? undefined : deeper(map.args[0]);
    const value = map === undefined || key === undefined ? undefined : mapped(map, key);
    return value === undefined ? undefined : deeper(value);
  };
  return (name) => resolve(name, []);
}

/** A text with its variables filled in; undefined when one of them has no fixed value. */
export function substituted(text: string, variables: Variables): string | undefined {
  let isKnown = true;
  const filled = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const value = variables(braced ?? plain ?? "");
    isKnown &&= value !== undefined;
    return value ?? "";
  });
  return isKnown ? filled : undefined;
}

/** The names of the variables of a text that have no fixed value. */
export function unknownIn(text: string, variables: Variables): readonly string[] {
  const names = [...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, name = ""]) => name);
  return [...new Set(names.filter((name) => variables(name) === undefined))];
}

/** A path that is the request's own. */
export function isRequestPath(path: string): boolean {
  return path === "" || pathVariables.test(path);
}

function settings(level: readonly LocatedDirective[], name: string): readonly string[] {
  const sets = level.filter((each) => each.name === "set" && each.args[0] === `$${name}`);
  return [...new Set(sets.map(({ args }) => args[1] ?? ""))];
}

function isSetUnderCondition(level: readonly LocatedDirective[], name: string): boolean {
  return level.some((each) => each.name === "if" && settings(each.block ?? [], name).length > 0);
}

/** The value that a `map` has for a host name; undefined where a pattern may decide. */
function mapped({ block = [] }: LocatedDirective, key: string): string | undefined {
  const entries = block.map(
    ({ name, args }) => [name.toLowerCase().replace(/^\\/, ""), args[0] ?? ""] as const,
  );
  const exact = entries.find(([name]) => name === key.toLowerCase());
  if (exact !== undefined) return exact[1];
  if (entries.some(([name]) => /^~|^\*?\.|\.\*$/.test(name))) return undefined;
  return entries.find(([name]) => name === "default")?.[1];
}

function isPlain(name: string): boolean {
  return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name);
}
