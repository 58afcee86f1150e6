/** Rules that make later ones superfluous. Pure. */
import { contains } from "../ipv4/index.ts";
import { readAddresses, readPorts } from "./fields.ts";
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
    coversPorts(earlier.dport, later.dport) &&
    coversAddress(earlier.source, later.source) &&
    coversAddress(earlier.dest, later.dest)
  );
}

function coversPorts(earlier: string | undefined, later: string | undefined): boolean {
  if (earlier === undefined || earlier === later) return true;
  if (later === undefined) return false;
  const [outer, inner] = [readPorts(earlier), readPorts(later)];
  if ("fault" in outer || "fault" in inner) return false;
  return inner.meaning.every(
    (span) =>
      span !== undefined &&
      outer.meaning.some((one) => one !== undefined && one.first <= span.first && span.last <= one.last),
  );
}

function coversAddress(earlier: string | undefined, later: string | undefined): boolean {
  if (earlier === undefined || earlier === later) return true;
  if (later === undefined) return false;
  const [outer, inner] = [readAddresses(earlier), readAddresses(later)];
  if ("fault" in outer || "fault" in inner) return false;
  if (outer.meaning.kind !== "list" || inner.meaning.kind !== "list" || inner.meaning.family !== 4)
    return false;
  const { ranges } = outer.meaning;
  return inner.meaning.ranges.every((range) => ranges.some((one) => contains(one, range)));
}
