/** The declared CA and the certificates of the manifest. */
import type { HostName, SourceRef } from "./resource.ts";

export interface CertificateAuthority {
  /** "https://10.0.0.10:9000". */
  readonly url: string;
  /** The name in the CA's own certificate: "ca.internal.example.net". Tokens name it as their audience. */
  readonly hostname: string;
  readonly port: number;
  readonly provisioner: string;
  /** Where the root certificate may be: on the hypervisor first, then in the CA guest. The first that exists counts. */
  readonly rootFiles: readonly HostPath[];
  /** Where the provisioner's password may be, in the same order. */
  readonly passwordFiles: readonly HostPath[];
}

export interface HostPath {
  readonly host: HostName;
  readonly path: string;
}

export interface Certificate {
  readonly commonName: string;
  /** DNS names and addresses, the common name among them: lower case, sorted, without duplicates. */
  readonly names: readonly string[];
  /** Absolute paths on the hypervisor. */
  readonly certPath: string;
  readonly keyPath: string;
  /** "user:group". */
  readonly owner: string;
  /** Octal digits: "640". */
  readonly mode: string;
  /** The declared command, run on the hypervisor after a renewal. */
  readonly postRenewal?: { readonly command: string; readonly from: SourceRef };
  /** Who serves the certificate, when that is known. The gateway's has the manifest's names and every routed name. */
  readonly serves?: "gateway" | "portainer";
  readonly from: SourceRef;
}

/** As a guest sees it: through an LXC mount point or an NFS share. */
export interface GuestCertificatePaths {
  readonly certPath: string;
  readonly keyPath: string;
}
