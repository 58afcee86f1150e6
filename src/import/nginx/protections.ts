/** What Nginx does to requests besides passing them on: what keeps some out, and what changes them. Pure. */
import type { LocatedDirective } from "../../formats/nginx/includes.ts";

/** Directives that keep requests out, unless their first argument is "off". */
const protecting = new Set(
  `auth_basic auth_basic_user_file auth_request auth_digest auth_jwt auth_oidc deny limit_req limit_conn limit_except ssl_verify_client
   secure_link valid_referers modsecurity access_by_lua access_by_lua_block access_by_lua_file js_access auth_pam
   auth_ldap auth_gss testcookie naxsi SecRulesEnabled`
    .trim()
    .split(/\s+/),
);

/** Directives that change requests or answers in ways that a site cannot express. */
const changing = new Set(
  `rewrite sub_filter add_header more_set_headers proxy_hide_header proxy_redirect proxy_cookie_path
   proxy_cookie_domain proxy_cookie_flags proxy_cache error_page mirror proxy_ssl_certificate limit_rate
   content_by_lua content_by_lua_block content_by_lua_file body_filter_by_lua_block rewrite_by_lua_block proxy_method
   proxy_set_body proxy_bind`
    .trim()
    .split(/\s+/),
);

/** Headers that the gateway sends to every backend, and those that people copy with them. */
const usualHeaders = /^(?:host|x-real-ip|x-forwarded-[a-z]+|upgrade|connection|x-scheme|proxy|early-data)$/i;

/** The directives of a block that keep requests out; nested locations are not looked into. */
export function protectionsIn(block: readonly LocatedDirective[]): readonly LocatedDirective[] {
  return block.flatMap((each) => {
    if (protecting.has(each.name)) return each.args[0] === "off" ? [] : [each];
    return each.name === "if" && refuses(each) ? [each] : [];
  });
}

/** The directives of a block that change requests or answers. */
export function treatmentsIn(block: readonly LocatedDirective[]): readonly LocatedDirective[] {
  return block.filter(
    ({ name, args }) =>
      (changing.has(name) && !isServedBy(name, args)) ||
      (name === "proxy_set_header" && !usualHeaders.test(args[0] ?? "")),
  );
}

/** The header that Nginx Proxy Manager (2.x) adds to every answer. */
function isServedBy(name: string, [header]: readonly string[]): boolean {
  return name === "add_header" && header === "X-Served-By";
}

/**
 * An `if` that refuses requests. Not counted: a check that the host is one of the server's own, and the filter of query strings
 * that Nginx Proxy Manager (2.x) writes to the same file for every host that wants it.
 */
function refuses({ args, block = [], file }: LocatedDirective): boolean {
  const condition = args.join(" ");
  const refusal = block.find(
    ({ name, args: [status = ""] }) => name === "deny" || (name === "return" && /^4/.test(status)),
  );
  if (refusal === undefined || isExploitFilter(file)) return false;
  return !/^\(\s*\$(?:host|http_host|ssl_server_name)\b/.test(condition);
}

/** The file of Nginx Proxy Manager's filter. */
export function isExploitFilter(file: string): boolean {
  return /\/include\/block-exploits\.conf$/.test(file);
}

/** The directive in words, without its arguments, which may hold credentials: "auth_basic", "if … return 403". */
export function wordsOf({ name, args, block = [] }: LocatedDirective): string {
  if (name === "if")
    return `if … ${block.find((each) => each.name === "return" || each.name === "deny")?.name ?? ""}`.trim();
  return ["deny", "ssl_verify_client", "auth_basic_user_file"].includes(name)
    ? `${name} ${args[0] ?? ""}`
    : name;
}
