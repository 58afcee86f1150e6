/** Makes a pair what it should be, and puts a previous one back. */

import type { Io } from "../../component.ts";
import {
  adviceOn,
  CandidateError,
  CommandError,
  InterruptedError,
  messageOf,
  PhoenixError,
} from "../../errors.ts";
import { findProvisionerPassword, findRoot } from "../../hosts/ca-files.ts";
import type { FileState, FileWrite } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import type { Change } from "../../resource.ts";
import { compile, declaredState } from "./compile.ts";
import { type LivePair, needsIssuing, readPairs } from "./read.ts";
import { type KeptFile, keepPair, keptPair, tell } from "./record.ts";

/**
 * Both files are complete before the first is renamed into place, so a consumer that reads in between may see a new key
 * with an old certificate for the time of one rename; it is told to read them again right after.
 */
export async function apply(change: Change, certificate: Certificate, io: Io): Promise<void> {
  if (change.verb === "delete") {
    await io.host("pve").remove([certificate.certPath, certificate.keyPath]);
    return;
  }
  const declared = compile(io.site).find(({ id }) => id === change.desired.id);
  if (change.desired.text === declared?.text) await bringAbout(certificate, io);
  else await putBack(certificate, change.desired.text, io);
}

async function bringAbout(certificate: Certificate, io: Io): Promise<void> {
  const host = io.host("pve");
  const wanted = declaredState(certificate);
  const [live] = await readPairs(io, [certificate]);
  if (live !== undefined) {
    await keepPair(host, certificate, {
      state: live.resource.text,
      ...(live.files.certificate === undefined ? {} : { certificate: keptFile(live.files.certificate) }),
      ...(live.files.key === undefined ? {} : { key: keptFile(live.files.key) }),
    });
    // What is there now is taken to be what its consumers have: a change that is taken back needs no restart then.
    if (live.told === undefined) await tell(host, certificate, { pair: live.identity, atMs: 0 });
  }
  const { owner } = certificate;
  const [mode, keyMode] = wanted.modes;
  const asIs = live !== undefined && !needsIssuing(live.pair, wanted);
  // Only the consumers have to be told, once more.
  if (
    asIs &&
    live.pair.modes.join() === wanted.modes.join() &&
    live.pair.owners.every((each) => each === owner)
  )
    return;
  const pair = asIs ? textsOf(live) : await issued(certificate, io);
  await host.writeFiles([
    { path: certificate.keyPath, text: pair.key, mode: keyMode, owner },
    { path: certificate.certPath, text: pair.certificate, mode, owner },
  ]);
}

/** @throws CandidateError when the CA gives none: what is in place was not touched */
async function issued(certificate: Certificate, io: Io): Promise<{ certificate: string; key: string }> {
  try {
    return await asked(certificate, io);
  } catch (error) {
    if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
    throw new CandidateError(messageOf(error), { hint: adviceOn(error), cause: error });
  }
}

async function asked(certificate: Certificate, io: Io): Promise<{ certificate: string; key: string }> {
  const [root, password] = await Promise.all([
    findRoot(io.site, io.host),
    findProvisionerPassword(io.site, io.host),
  ]);
  const { commonName, names } = certificate;
  const { provisioner } = io.site.ca;
  const signed = await io.apis.stepCa.sign({ root: root.pem, provisioner, password, commonName, names });
  return { certificate: signed.chain, key: signed.key.reveal() };
}

function textsOf({ files }: LivePair): { certificate: string; key: string } {
  return { certificate: files.certificate?.text ?? "", key: files.key?.text ?? "" };
}

/** The pair that was there before, byte for byte, with its modes and owners. */
async function putBack(certificate: Certificate, state: string, io: Io): Promise<void> {
  const host = io.host("pve");
  const [live] = await readPairs(io, [certificate]);
  if (live?.resource.text === state) return;
  const kept = await keptPair(host, certificate);
  if (kept === undefined || kept.state !== state)
    throw new CommandError("pve", 1, `the previous pair of ${certificate.commonName} was not kept`, {
      hint: `\`phoenix sync certificates\` issues a new one`,
    });
  const places = [
    [certificate.keyPath, kept.key],
    [certificate.certPath, kept.certificate],
  ] as const;
  await host.writeFiles(
    places.flatMap(([path, file]): FileWrite[] => (file === undefined ? [] : [{ path, ...file }])),
  );
  await host.remove(places.flatMap(([path, file]) => (file === undefined ? [path] : [])));
}

function keptFile({ text, mode, owner }: FileState): KeptFile {
  return { text, mode, owner };
}
