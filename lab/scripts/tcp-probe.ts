/** tcp-probe of src/components/firewall/probe.ts: connections from the host that it runs on. */
import { TransportError } from "../../src/errors.ts";
import { tryConnect } from "../../src/hosts/sockets.ts";
import { done, type Program } from "../parts.ts";

/** As long as the script waits for one end. */
const probeMs = 3_000;

export const tcpProbe: Program = async ({ context, host, args }) => {
  const lines: string[] = [];
  for (const end of args) {
    const [address = "", port = ""] = end.split(":");
    try {
      const to = await context.route(host, { protocol: "tcp", address, port: Number(port) });
      const seen = await tryConnect(to, AbortSignal.timeout(probeMs));
      lines.push(!seen.ok && seen.reason === "timeout" ? "silent" : "answers");
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      lines.push("silent");
    }
  }
  return done(lines.map((line) => `${line}\n`).join(""));
};
