/** Looks at every pair as its consumers do: on disk, and where it is known who serves it, over the network. */
import type { Check, Io } from "../../component.ts";
import { gatewayNames } from "../../fabric/services.ts";
import { serialOf } from "../../formats/x509/index.ts";
import type { Certificate } from "../../model.ts";
import { compile, idOf } from "./compile.ts";
import { type LivePair, notTold, readPairs } from "./read.ts";

/** How long after its command a consumer may still serve the pair before: a container takes ten seconds to stop. Milliseconds. */
const settleMs = { reload: 3_000, restart: 15_000 } as const;

export async function verify(io: Io): Promise<readonly Check[]> {
  const pairs = await readPairs(io, io.site.certificates);
  const checks = await Promise.all(
    io.site.certificates.map(async (certificate) => {
      const live = pairs.find((pair) => pair.certificate === certificate);
      const onDisk = checkPair(io, certificate, live);
      const served = live === undefined ? undefined : await checkServed(io, certificate, live);
      return [...onDisk, ...(served === undefined ? [] : [served])];
    }),
  );
  return checks.flat();
}

function checkPair(io: Io, certificate: Certificate, live: LivePair | undefined): readonly Check[] {
  const resource = idOf(certificate);
  const claim = `${certificate.commonName}: certificate and key are a valid pair for the declared names`;
  const wanted = compile(io.site).find(({ id }) => id === resource);
  if (live?.pair.state === notTold) return [checkTold(certificate, live)];
  if (live !== undefined && live.resource.text === wanted?.text) return [{ resource, claim, status: "pass" }];
  const observed = live === undefined ? "there is none" : observedIn(live, wanted?.units ?? {});
  const hint = "`phoenix sync certificates` brings it about";
  return [{ resource, claim, status: "fail", observed, hint }];
}

/** The first thing that is not as declared, in words. */
function observedIn({ resource, pair }: LivePair, wanted: Readonly<Record<string, string>>): string {
  if (pair.state !== wanted.state) return pair.state;
  const units = { ...wanted, ...resource.units };
  const differing = Object.keys(units).find((unit) => resource.units[unit] !== wanted[unit]) ?? "";
  const is = resource.units[differing] ?? "not in it";
  return `${differing} is ${is}, declared is ${wanted[differing] ?? "nothing of that kind"}`;
}

function checkTold(certificate: Certificate, { told }: LivePair): Check {
  return {
    resource: idOf(certificate),
    claim: `${certificate.commonName}: its post-renewal command did its work`,
    status: "fail",
    observed: told?.failure ?? notTold,
    hint: "the command stands in the certificate's manifest entry; run it by hand to see what is wrong",
    // A guest that does not answer serves nothing now; the pair itself is good.
    ...(told?.unreached === true ? { external: true } : {}),
  };
}

interface Server {
  readonly address: string;
  readonly port: number;
  readonly servername: string;
}

function serverOf(io: Io, { serves, commonName, names }: Certificate): Server | undefined {
  const { site } = io;
  if (serves === "portainer" && site.portainer !== undefined) {
    const { guest, port, hostname } = site.portainer;
    return { address: guest.address, port, servername: hostname };
  }
  if (serves !== "gateway") return undefined;
  const served = gatewayNames(site).find((name) => names.includes(name)) ?? commonName;
  return { address: site.roles.gateway.address, port: 443, servername: served };
}

/**
 * The serial number that is served is the one on disk. Whoever serves may not have been set up yet, or may read another
 * file: that is no fault of the pair, so taking it back would not help.
 */
async function checkServed(io: Io, certificate: Certificate, live: LivePair): Promise<Check | undefined> {
  const server = serverOf(io, certificate);
  const serial = serialOf(live.files.certificate?.text ?? "");
  if (server === undefined || serial === undefined) return undefined;
  const { address, port, servername } = server;
  const resource = idOf(certificate);
  const claim = `${servername} at ${address}:${port} serves this certificate`;
  const { atMs = 0, kind = "reload" } = live.told ?? {};
  const deadline = atMs + settleMs[kind];
  for (;;) {
    const seen = await io.network.handshake(address, port, { servername });
    if (seen.ok && seen.serial === serial) return { resource, claim, status: "pass" };
    // Who reloads goes on listening; who restarts refuses for a while.
    const hopeless = !seen.ok && kind === "reload";
    if (hopeless || io.clock.now() >= deadline) {
      const observed = seen.ok ? `serial ${seen.serial} is served, ${serial} is on disk` : seen.reason;
      const hint = seen.ok
        ? "the post-renewal command did not make it load the new files, or it reads others"
        : "it does not run, or cannot be reached; a first sync sets it up later on";
      return { resource, claim, status: "fail", observed, hint, external: true };
    }
    await io.clock.sleep(200);
  }
}
