/**
 * The network as clients see it from the hypervisor. Components never open sockets: the real network, an ssh tunnel and the
 * embedded lab are implementations of this interface.
 */

export interface Endpoint {
  readonly protocol: "tcp" | "udp";
  /** Dotted IPv4 address. */
  readonly address: string;
  readonly port: number;
}

export interface Network {
  /**
   * The endpoint that leads to `to`: `to` itself on the hypervisor, a loopback port behind a tunnel or in the lab.
   * @throws TransportError when a path is known not to exist.
   */
  route(to: Endpoint): Promise<Endpoint>;

  /** Asks a DNS server one question over UDP. @throws TransportError when no answer comes. */
  query(server: string, name: string, type: "A" | "AAAA" | "PTR"): Promise<DnsAnswer>;

  /** Opens a TCP connection and closes it again. @param timeoutMs 3 000 unless given */
  connect(address: string, port: number, timeoutMs?: number): Promise<ConnectResult>;

  /** A TLS handshake as a client of `servername`, trusting only `ca` (PEM). */
  handshake(address: string, port: number, options: HandshakeOptions): Promise<HandshakeResult>;

  /** One HTTP request. Redirects are not followed. @throws TransportError */
  request(request: HttpRequest): Promise<HttpResponse>;
}

export interface DnsAnswer {
  readonly rcode: "NOERROR" | "NXDOMAIN" | "REFUSED" | "SERVFAIL" | string;
  /** Addresses or names, sorted; empty for NODATA and for errors. */
  readonly answers: readonly string[];
}

export type ConnectResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: "refused" | "timeout" | "unreachable" };

export interface HandshakeOptions {
  readonly servername: string;
  /** PEM of the trusted root; absent trusts nothing and only reports what is served. */
  readonly ca?: string;
}

export type HandshakeResult =
  | {
      readonly ok: true;
      /** The chain is trusted and the name matches. */
      readonly trusted: boolean;
      /** Why not: "CERT_HAS_EXPIRED", "name does not match". */
      readonly reason?: string;
      /** Upper-case hexadecimal serial number of the served leaf. */
      readonly serial: string;
      /** PEM of the served leaf. */
      readonly certificate: string;
    }
  | { readonly ok: false; readonly reason: string };

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** "https://10.0.0.111:9443/api/status": the address to connect to, never a name that needs DNS. */
  readonly url: string;
  /** Host header and TLS server name, when they differ from the URL's address. */
  readonly hostname?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** PEM of the trusted roots. */
  readonly ca?: string;
  /** Accept the certificate with this SHA-256 fingerprint (upper-case hexadecimal digits) and no other, whoever issued it. */
  readonly fingerprint?: string;
  /** Accept any certificate: only where the protocol says so (an agent's /ping, a root fetched by fingerprint). */
  readonly insecure?: true;
  /** "change" is refused on a read-only network and counted by tests. */
  readonly effect: "read" | "change";
  /** Milliseconds for the whole exchange; 10 000 unless given. */
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}
