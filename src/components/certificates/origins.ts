/** Which lines of the site each name and property of a certificate follows from. */
import { explained } from "../../fabric/explained.ts";
import {
  aboutService,
  certificateNameOrigins,
  certificatePathOrigins,
  servicesByName,
} from "../../fabric/origins.ts";
import type { Certificate, Site } from "../../model.ts";
import type { Explained, Origin, Reason, Subject } from "../../origin.ts";
import { certificateOf, compile } from "./compile.ts";

export function explain(site: Site): readonly Explained[] {
  return compile(site).flatMap((resource) => {
    const certificate = certificateOf(site, resource.id);
    if (certificate === undefined) return [];
    const { names } = JSON.parse(resource.text) as { names: readonly string[] };
    return explained(resource, {
      why: entryReason(certificate),
      unit: (unit) => unitReason(site, certificate, unit),
      unitAt: ([key, at]) => {
        if (key === "names") return at === undefined ? undefined : names[Number(at)]?.replace(/^\w+:/, "");
        if (key === "owners" || key === "modes") return at === "1" ? "key" : "certificate";
        return key;
      },
    });
  });
}

function aboutOf({ commonName, certPath, keyPath }: Certificate): readonly Subject[] {
  return [`certificate:${commonName}`, `file:${certPath}`, `file:${keyPath}`];
}

function entryReason(certificate: Certificate): Reason {
  const { from, commonName } = certificate;
  const origin = { at: from, keys: ["common_name"], says: `declares the certificate ${commonName}` };
  return { origins: [origin, ...fileOrigins(certificate)], about: aboutOf(certificate) };
}

function fileOrigins(certificate: Certificate): readonly Origin[] {
  return [
    ...certificatePathOrigins(certificate),
    {
      at: certificate.from,
      keys: ["post_renewal_command"],
      says: "what runs after a renewal",
      optional: true,
    },
  ];
}

/** What a name of the gateway's certificate leads to. */
function servedBy(site: Site, { serves }: Certificate, name: string): readonly Subject[] {
  return serves === "gateway" ? (servicesByName(site).get(name) ?? []).flatMap(aboutService) : [];
}

function unitReason(site: Site, certificate: Certificate, unit: string): Reason {
  const about = aboutOf(certificate);
  const { from } = certificate;
  if (certificate.names.includes(unit))
    return {
      origins: certificateNameOrigins(site, certificate, unit),
      about: [...new Set([`name:${unit}` as const, ...about, ...servedBy(site, certificate, unit)])],
    };
  if (unit === "state") return entryReason(certificate);
  return {
    origins: [
      { at: from, keys: ["owner"], says: "the owner of the files" },
      { at: from, keys: ["permissions"], says: "the mode of the files" },
      ...fileOrigins(certificate),
    ],
    about,
  };
}
