/**
 * pve-firewall's patterns see bytes: only ASCII's own spaces are spaces to them. A no-break space, or a byte order mark, is a
 * character like others, while JavaScript's "\s" takes it for a space.
 */
export function asBytes({ source, flags }: RegExp): RegExp {
  return new RegExp(
    source.replaceAll("\\s", "[ \\t\\r\\n\\f\\v]").replaceAll("\\S", "[^ \\t\\r\\n\\f\\v]"),
    flags,
  );
}
