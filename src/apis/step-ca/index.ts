/** Step-CA's HTTP API: everything needed to trust it and to get certificates from it, without the `step` program. */
import type { Secret } from "../../secret.ts";

export interface StepCaApi {
  /** Whether the CA answers over a connection that trusts `root` (PEM). @throws TransportError */
  health(root: string): Promise<void>;
  /** The root with this SHA-256 fingerprint (lower-case hexadecimal), fetched without trust and hashed again. @throws ApiError */
  root(fingerprint: string): Promise<string>;
  /** Signs a new certificate with a one-time token of the JWK provisioner. @throws ApiError, TransportError */
  sign(request: SignRequest): Promise<SignedCertificate>;
}

export interface SignRequest {
  /** PEM of the trusted root. */
  readonly root: string;
  readonly provisioner: string;
  readonly password: Secret;
  readonly commonName: string;
  /** DNS names and addresses, the common name among them. */
  readonly names: readonly string[];
}

export interface SignedCertificate {
  /** PEM: leaf, then intermediates; never the root. */
  readonly chain: string;
  /** PEM (PKCS#8) of the new private key. */
  readonly key: Secret;
}
