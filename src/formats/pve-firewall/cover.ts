/** Rules that make later ones superfluous. Pure. */
import { contains } from "../ipv4/index.ts";
import { type Addresses, type PortSpan, type Reading, readAddresses, readPorts } from "./fields.ts";
import { type FwRule, isSameMatch } from "./rule.ts";

/** Whether `earlier` decides about everything that `later` is about. Sets and aliases cover only themselves. */
export function covers(earlier: FwRule, later: FwRule): boolean {
  if (!earlier.enabled || earlier.type !== later.type || earlier.type === "GROUP") return false;
  if (isSameMatch(earlier, later)) return true;
  if (earlier.macro !== later.macro || earlier.icmpType !== undefined || earlier.sport !== undefined)
    return false;
  if (earlier.iface !== undefined && earlier.iface !== later.iface) return false;
  if (earlier.proto !== undefined && earlier.proto !== later.proto) return false;
  return (
    coversValue(earlier.dport, later.dport, readPorts, hasPorts) &&
    coversValue(earlier.source, later.source, readAddresses, hasAddresses) &&
    coversValue(earlier.dest, later.dest, readAddresses, hasAddresses)
  );
}

/** Whether `outer` is absent, which stands for every value, or has all of `inner`. */
function coversValue<Meaning>(
  outer: string | undefined,
  inner: string | undefined,
  read: (text: string) => Reading<Meaning>,
  hasAll: (outer: Meaning, inner: Meaning) => boolean,
): boolean {
  if (outer === undefined || outer === inner) return true;
  if (inner === undefined) return false;
  const [one, other] = [read(outer), read(inner)];
  return "meaning" in one && "meaning" in other && hasAll(one.meaning, other.meaning);
}

function hasPorts(
  outer: readonly (PortSpan | undefined)[],
  inner: readonly (PortSpan | undefined)[],
): boolean {
  return inner.every((span) => span && outer.some((one) => one && contains(one, span)));
}

function hasAddresses(outer: Addresses, inner: Addresses): boolean {
  if (outer.kind !== "list" || inner.kind !== "list" || inner.family !== 4) return false;
  return inner.ranges.every((range) => outer.ranges.some((one) => contains(one, range)));
}
