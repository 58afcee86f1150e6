/** Starting and stopping guests, and what a changed interface means for one that runs. */
import { execFileSync } from "node:child_process";
import { Refusal } from "./command-line.ts";
import { type Guest, isRunning, setConfig, unitOf } from "./guests.ts";

/** @throws Refusal when the guest is in that state already */
export function power(guest: Guest, verb: string): void {
  const what = guest.kind === "lxc" ? "CT" : "VM";
  const running = isRunning(guest);
  if (verb === "start" && running) throw new Refusal(`${what} ${guest.id} already running`);
  if (verb !== "start" && !running) throw new Refusal(`${what} ${guest.id} not running`);
  // `stop` pulls the plug, `shutdown` asks. All of a guest ends with the first of its processes.
  if (verb === "stop" && guest.leader !== undefined) process.kill(guest.leader, "SIGKILL");
  systemctl(verb === "start" ? "start" : verb === "reboot" ? "restart" : "stop", guest);
}

/** Interfaces are plugged in again at once, as Proxmox does with its hotplug; everything else waits for the next start. */
export function setAndPlug(guest: Guest, options: ReadonlyMap<string, string>): void {
  const removed = (options.get("delete") ?? "").split(",").filter((key) => key !== "");
  const values = new Map<string, string | undefined>(options);
  values.delete("delete");
  for (const key of removed) values.set(key, undefined);
  setConfig(guest, values);
  if (options.has("net0") && isRunning(guest)) execFileSync("/usr/lib/testbed/plug", [guest.machine]);
}

function systemctl(verb: string, guest: Guest): void {
  execFileSync("systemctl", [verb, unitOf(guest)], { stdio: "ignore" });
}
