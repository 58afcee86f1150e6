/** Brings a pair to what is declared, and restores a previous one. */

import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import {
  adviceOn,
  CandidateError,
  CommandError,
  InterruptedError,
  messageOf,
  PhoenixError,
} from "../../errors.ts";
import { findProvisionerPassword, findRoot } from "../../fabric/ca-files.ts";
import { declared } from "../../fabric/declared.ts";
import type { FileState, FileWrite } from "../../hosts/host.ts";
import type { Certificate } from "../../model.ts";
import type { Change } from "../../resource.ts";
import { compile, declaredState } from "./compile.ts";
import { ownershipsOf } from "./owners.ts";
import { type LivePair, needsIssuing, readPairs } from "./read.ts";
import { type KeptFile, keepPair, keptPair, recordNotification } from "./record.ts";

/** For the time of one rename a consumer may see a new key with an old certificate; it is notified right after. */
export async function apply(change: Change, certificate: Certificate, io: Io): Promise<void> {
  if (change.verb === "delete") {
    await io.host("pve").remove([certificate.certPath, certificate.keyPath]);
    return;
  }
  const declared = compile(io.site).find(({ id }) => id === change.desired.id);
  if (change.desired.text === declared?.text) await deploy(certificate, io);
  else await restore(certificate, change.desired.text, io);
}

/** @param isAsked a new pair is issued although the present one is good */
export async function deploy(certificate: Certificate, io: Io, isAsked = false): Promise<void> {
  const host = io.host("pve");
  const wanted = declaredState(certificate);
  const [live] = await readPairs(io, [certificate]);
  if (live !== undefined) {
    const { certificate: cert, key } = live.files;
    const kept = defined({ certificate: cert && keptFile(cert), key: key && keptFile(key) });
    await keepPair(host, certificate, { state: live.resource.text, ...kept });
    // Its consumers are assumed to use the present pair: a change that is rolled back needs no restart then.
    if (live.notification === undefined)
      await recordNotification(host, certificate, { pair: live.identity, atMs: 0 });
  }
  const { owner } = certificate;
  const [mode, keyMode] = wanted.modes;
  const isGood = live !== undefined && !isAsked && !needsIssuing(live.pair, wanted);
  const hasModes = live?.pair.modes.join() === wanted.modes.join();
  // The consumers must be notified once more, and nothing else.
  if (isGood && hasModes && live.pair.owners.every((each) => each === owner)) return;
  const ownership = (await ownershipsOf(io, [certificate])).get(certificate);
  const onDisk = ownership?.onDisk(live?.files.key ?? live?.files.certificate);
  const pair = isGood ? textsOf(live) : await issue(certificate, io);
  const common = defined({ owner: onDisk });
  await host.writeFiles([
    { path: certificate.keyPath, text: pair.key, mode: keyMode, ...common },
    { path: certificate.certPath, text: pair.certificate, mode, ...common },
  ]);
}

interface PairTexts {
  readonly certificate: string;
  readonly key: string;
}

/** @throws CandidateError when the CA issues none: the present files were not touched */
async function issue(certificate: Certificate, io: Io): Promise<PairTexts> {
  const { commonName, names } = certificate;
  const { provisioner, rootFiles, passwordFiles } = declared(io.site, "ca");
  try {
    const [root, password] = await Promise.all([
      findRoot(rootFiles, io.host),
      findProvisionerPassword(passwordFiles, io.host),
    ]);
    const signed = await io.apis.stepCa.sign({ root: root.pem, provisioner, password, commonName, names });
    return { certificate: signed.chain, key: signed.key.reveal() };
  } catch (error) {
    if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
    throw new CandidateError(messageOf(error), { hint: adviceOn(error), cause: error });
  }
}

function textsOf({ files }: LivePair): PairTexts {
  return { certificate: files.certificate?.text ?? "", key: files.key?.text ?? "" };
}

/** The previous pair, byte for byte, with its modes and owners. */
async function restore(certificate: Certificate, state: string, io: Io): Promise<void> {
  const [live] = await readPairs(io, [certificate]);
  if (live?.resource.text !== state) await restoreKept(certificate, state, io);
}

/** Likewise where the present pair looks the same: it was renewed before its time. */
export async function restoreKept(certificate: Certificate, state: string, io: Io): Promise<void> {
  const host = io.host("pve");
  const kept = await keptPair(host, certificate);
  if (kept === undefined || kept.state !== state)
    throw new CommandError("pve", 1, `there is no copy of the previous pair of ${certificate.commonName}`, {
      hint: "`phoenix sync certificates` issues a new one",
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
