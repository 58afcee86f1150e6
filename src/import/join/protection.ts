/** Which of Traefik's middlewares keep requests out. Pure. */
import type { Middleware } from "../../model.ts";

const protecting =
  /^(?:basicauth|digestauth|forwardauth|ipallowlist|ipwhitelist|ratelimit|inflightreq|passtlsclientcert|plugin)$/;

/** A middleware keeps requests out, or may: what it does is not known. */
export function isProtecting({ name, options }: Middleware): boolean {
  const types = Object.keys(options);
  return (
    types.length === 0 || name.includes("@") || types.some((type) => protecting.test(type.toLowerCase()))
  );
}

/** "basicAuth", or the name of one whose declaration was not found. */
export function kindOf({ name, options }: Middleware): string {
  const types = Object.keys(options);
  return types.length === 0 ? `middleware ${name}` : types.join(", ");
}
