/** IPv4 addresses and ranges in CIDR notation. Pure. */
import { isIPv4 } from "node:net";

function isRange(text: string): boolean {
  const [network = "", prefix = "32"] = text.split("/");
  return isIPv4(network) && /^\d+$/.test(prefix) && Number(prefix) <= 32;
}

/** @param range an address or a network: "10.0.0.0/24" */
export function inRange(address: string, range: string): boolean {
  if (!isIPv4(address) || !isRange(range)) return false;
  const [network = "", prefix = "32"] = range.split("/");
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(network) / size);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
