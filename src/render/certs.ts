/** The certificates on the screen, those with a problem first. */
import { defined } from "../defined.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import type { HostName } from "../resource.ts";
import { hanging, table } from "./layout.ts";
import type { CertsDocument } from "./output-schemas.ts";
import { painted, type Sign, type View } from "./view.ts";
import { count, flat, oneLine, shortList, span } from "./words.ts";

type CertificateRow = CertsDocument["certificates"][number];
type AuthorityRow = CertsDocument["authorities"][number];

/** What is known of the certificates; the times are milliseconds since the epoch. */
export interface CertsFacts {
  readonly site: string;
  readonly nowMs: number;
  readonly certificates: readonly (Omit<CertificateRow, "notAfter" | "daysLeft" | "renewal"> & {
    readonly notAfterMs?: number;
    readonly renewalMs?: number;
  })[];
  readonly authorities: readonly (Omit<AuthorityRow, "notAfter" | "daysLeft"> & {
    readonly notAfterMs: number;
  })[];
  readonly off?: string;
}

type Facts = CertsFacts["certificates"][number];

/** 3 when clients get another certificate, none or one that has expired; 2 when a renewal is due or a pair is not as declared. */
export function exitCodeOfCerts({ certificates, nowMs }: CertsFacts): ExitCode {
  const isFailing = ({ served, notAfterMs }: Facts): boolean =>
    (served !== undefined && served.outcome !== "same") || (notAfterMs !== undefined && notAfterMs <= nowMs);
  if (certificates.some(isFailing)) return exitCodes.unverified;
  return certificates.some(({ state }) => state !== "valid") ? exitCodes.pending : exitCodes.converged;
}

export function certsDocument(facts: CertsFacts): CertsDocument {
  const { site, nowMs, off } = facts;
  const iso = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  const days = (ms: number): number => Math.floor((ms - nowMs) / 86_400_000);
  return {
    format: "phoenix.certs/1",
    site,
    certificates: sorted(facts).map(({ notAfterMs, renewalMs, ...one }) => ({
      ...one,
      ...defined({
        notAfter: iso(notAfterMs),
        daysLeft: notAfterMs === undefined ? undefined : days(notAfterMs),
        renewal: iso(renewalMs),
      }),
    })),
    authorities: facts.authorities.map(({ notAfterMs, ...one }) => ({
      ...one,
      notAfter: new Date(notAfterMs).toISOString(),
      daysLeft: days(notAfterMs),
    })),
    ...defined({ off }),
    exitCode: exitCodeOfCerts(facts),
  };
}

function isWell({ state, served }: Facts): boolean {
  return state === "valid" && (served === undefined || served.outcome === "same");
}

/** Problems first, then those that end soonest. */
function sorted({ certificates }: CertsFacts): readonly Facts[] {
  const end = ({ notAfterMs = 0 }: Facts): number => notAfterMs;
  return [...certificates].sort((a, b) => Number(isWell(a)) - Number(isWell(b)) || end(a) - end(b));
}

export function certsLines(facts: CertsFacts, view: View): readonly string[] {
  if (facts.off !== undefined) return [`off: certificates (${facts.off})`];
  const { nowMs, authorities } = facts;
  const rows = sorted(facts);
  const lines = table(
    [
      ["  certificate", "left", "renewal", "served by"],
      ...rows.map((one) => [
        `${isWell(one) ? "=" : "!"} ${oneLine(one.name)}`,
        leftWords(one.notAfterMs, nowMs),
        renewalWords(one, nowMs),
        servedWords(one, view),
      ]),
      ...authorities.map(({ name, role, notAfterMs }) => [
        `= ${oneLine(name)}`,
        leftWords(notAfterMs, nowMs),
        "",
        role,
      ]),
    ],
    [
      { paint: (text) => painted(text.slice(0, 1) as Sign, view.paint) + text.slice(1) },
      { align: "right" },
      {},
      {},
    ],
    view.width,
  );
  const [head = "", ...each] = lines;
  return [
    head,
    ...each.flatMap((line, at) => {
      const one = rows[at];
      return one === undefined ? [line] : [line, ...detailLines(one, view)];
    }),
    "",
    closing(facts, rows, view),
  ];
}

/** Names that fit into a line or two. */
const mostNames = 4;

/** Below a certificate: what is wrong with it, who issued it, and the names in it. */
function detailLines(one: Facts, view: View): readonly string[] {
  const { state, missing, issuer, names, served } = one;
  const faults = [
    ...(state === "valid" ? [] : [state]),
    ...(missing.length === 0 || names.length === 0 ? [] : [`missing: ${missing.join(", ")}`]),
    ...(served?.reason === undefined ? [] : [served.reason]),
  ];
  const shown = view.full ? names.join(", ") : shortList(names, mostNames);
  const of = names.length > mostNames ? ` for ${count(names.length, "name")}` : "";
  const from = issuer === undefined ? [] : [`issued by ${issuer}${of}: ${shown}`];
  return [...faults, ...from].flatMap((text) => hanging("    ", flat(text), view.width));
}

function leftWords(notAfterMs: number | undefined, nowMs: number): string {
  if (notAfterMs === undefined) return "none";
  return notAfterMs <= nowMs ? "expired" : longSpan(notAfterMs - nowMs);
}

/** Years, where days would say little. */
function longSpan(ms: number): string {
  const years = Math.floor(ms / (365.25 * 86_400_000));
  return years < 2 ? span(ms) : `${years} years`;
}

function renewalWords({ renewalMs }: Facts, nowMs: number): string {
  if (renewalMs === undefined) return "";
  return renewalMs <= nowMs ? "due" : `in ${span(renewalMs - nowMs)}`;
}

function servedWords({ served }: Facts, view: View): string {
  if (served === undefined) return "";
  const outcome = { same: "", other: ": another one", "no answer": ": no answer" }[served.outcome];
  return `${view.hostName(served.host as HostName)}${outcome}`;
}

function closing(facts: CertsFacts, rows: readonly Facts[], view: View): string {
  const bad = rows.filter((one) => !isWell(one)).length;
  const code = exitCodeOfCerts(facts);
  const soonest = rows.flatMap(({ renewalMs }) => renewalMs ?? []).sort((a, b) => a - b)[0];
  const next =
    soonest === undefined || soonest <= facts.nowMs
      ? ""
      : ` · next renewal in ${span(soonest - facts.nowMs)}`;
  if (bad === 0) return `${count(rows.length, "certificate")}, ${view.paint.green("all well")}${next}`;
  return `${count(rows.length, "certificate")}, ${bad} with a problem · \`phoenix certs renew NAME\` renews one (exit ${code})`;
}
