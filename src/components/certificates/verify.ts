/** Looks at every pair as its consumers do: on disk, and where it is known who serves it, over the network. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { serialOf } from "../../formats/x509/index.ts";
import type { Certificate } from "../../model.ts";
import { poll } from "../../poll.ts";
import { compile, idOf } from "./compile.ts";
import { type LivePair, notNotified, readPairs } from "./read.ts";
import { checkReadable } from "./readable.ts";
import { serverOf } from "./served.ts";

/** How long after its command a consumer may still serve the previous pair: a container takes ten seconds to stop. Milliseconds. */
const settleMs = { reload: 3_000, restart: 15_000 } as const;

export async function verify(io: Io): Promise<readonly Check[]> {
  const pairs = await readPairs(io, io.site.certificates);
  const checks = await Promise.all(
    io.site.certificates.map(async (certificate) => {
      const live = pairs.find((pair) => pair.certificate === certificate);
      if (live === undefined) return [checkPair(io, certificate, live)];
      const [readable, served] = await Promise.all([
        checkReadable(io, certificate),
        checkServed(io, certificate, live),
      ]);
      return [checkPair(io, certificate, live), ...readable, ...served];
    }),
  );
  return checks.flat();
}

function checkPair(io: Io, certificate: Certificate, live: LivePair | undefined): Check {
  const resource = idOf(certificate);
  const claim = `certificate and key of "${certificate.commonName}" are a valid pair for the declared names`;
  const wanted = compile(io.site).find(({ id }) => id === resource);
  if (live?.pair.state === notNotified) return checkNotified(certificate, live);
  if (live !== undefined && live.resource.text === wanted?.text) return passed(resource, claim);
  const observed = live === undefined ? "both files are missing" : observedIn(live, wanted?.units ?? {});
  return failed(resource, claim, observed, "`phoenix sync certificates` fixes it");
}

/** The first unit that is not as declared. */
function observedIn({ resource, pair }: LivePair, wanted: Readonly<Record<string, string>>): string {
  if (pair.state !== wanted.state) return pair.state;
  const units = { ...wanted, ...resource.units };
  const unit = Object.keys(units).find((each) => resource.units[each] !== wanted[each]) ?? "";
  return `expected ${unit} ${wanted[unit] ?? "absent"}, got ${resource.units[unit] ?? "absent"}`;
}

function checkNotified(certificate: Certificate, { notification }: LivePair): Check {
  const check = failed(
    idOf(certificate),
    `the post-renewal command of "${certificate.commonName}" succeeded`,
    notification?.failure ?? notNotified,
    "the command is in the certificate's manifest entry; run it by hand to see what is wrong",
  );
  // A guest that does not answer serves nothing now; the pair itself is good.
  return notification?.unreached === true ? external(check) : check;
}

/** Compares serial numbers. A server that is not set up yet, or reads another file, is not a failure of the pair. */
async function checkServed(io: Io, certificate: Certificate, live: LivePair): Promise<readonly Check[]> {
  const server = serverOf(io.site, certificate);
  const serial = serialOf(live.files.certificate?.text ?? "");
  if (server === undefined || serial === undefined) return [];
  const { address, port, servername } = server;
  const { atMs = 0, kind = "reload" } = live.notification ?? {};
  const seen = await poll(
    { clock: io.clock, forMs: atMs + settleMs[kind] - io.clock.now(), pauseMs: 200 },
    () => io.network.handshake(address, port, { servername }),
    // A server that reloads goes on listening; one that restarts refuses connections for a while.
    (seen) => (seen.ok ? seen.serial === serial : kind === "reload"),
  );
  const resource = idOf(certificate);
  const claim = `"${servername}" at ${address}:${port} serves this certificate`;
  if (!seen.ok) {
    const hint = "it does not run, or cannot be reached; a first sync sets it up later";
    return [external(failed(resource, claim, seen.reason, hint))];
  }
  if (seen.serial === serial) return [passed(resource, claim)];
  const observed = `expected serial ${serial} as on disk, got ${seen.serial}`;
  const hint = "its post-renewal command did not make it load the new files, or it reads other files";
  return [external(failed(resource, claim, observed, hint))];
}
