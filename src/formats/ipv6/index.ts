/** IPv6 addresses as text (RFC 4291, 2.2). */
import { addressNumber } from "../ipv4/index.ts";

/** Whether a text is an IPv6 address without brackets, prefix length and zone. */
export function isIpv6Address(text: string): boolean {
  const halves = text.split("::");
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const width = groups.length + (last.includes(".") ? 1 : 0);
  const areGroups = groups.every(
    (group, at) =>
      /^[\da-f]{1,4}$/i.test(group) || (at === groups.length - 1 && addressNumber(group) !== undefined),
  );
  if (!areGroups || !text.includes(":")) return false;
  return halves.length === 1 ? width === 8 : halves.length === 2 && width < 8;
}
