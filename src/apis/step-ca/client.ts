/** Step-CA's HTTP API: everything that `step ca certificate` does, without the program. */
import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "../../component.ts";
import { ApiError, messageOf } from "../../errors.ts";
import { member, objectsOf, parseJson, textOf } from "../../formats/json/index.ts";
import type { HttpRequest, HttpResponse, Network } from "../../hosts/network.ts";
import type { CertificateAuthority } from "../../model.ts";
import { Secret } from "../../secret.ts";
import { createCertificateRequest } from "./certificate-request.ts";
import type { SignedCertificate, SignRequest, StepCaApi } from "./index.ts";
import { verifiedChain } from "./issued-chain.ts";
import { oneTimeToken, provisionerKey } from "./token.ts";

export interface StepCaOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly ca: Pick<CertificateAuthority, "url" | "hostname" | "port">;
}

/** More pages of provisioners than any CA has: a limit for a CA whose pages never end. */
const maxPages = 100;
/** A CA signs in milliseconds, but a busy host may not. */
const signTimeoutMs = 30_000;
/** Step-CA allows one minute between the clocks (certificates v0.30 authority/provisioner/jwk.go). Milliseconds. */
const clockLeewayMs = 60_000;

/** Contacts nothing until the first call. */
export class StepCaClient implements StepCaApi {
  readonly #options: StepCaOptions;
  /** Keys by the JWE that holds them: opening one takes a tenth of a second. */
  readonly #keys = new Map<string, KeyObject>();

  constructor(options: StepCaOptions) {
    this.#options = options;
  }

  async health(root: string): Promise<void> {
    const response = await this.#send("/health", { ca: root });
    if (response.status !== 200 || textOf(parseJson(response.text), "status") !== "ok")
      throw refusal("say that it is healthy", response);
  }

  async root(fingerprint: string): Promise<string> {
    const wanted = fingerprint.replace(/[:-]/g, "").toLowerCase();
    const response = await this.#send(`/root/${wanted}`, { insecure: true });
    if (response.status !== 200) throw refusal(`give its root ${wanted}`, response);
    const pem = textOf(parseJson(response.text), "ca");
    // The connection verified nobody: only the fingerprint vouches for this answer.
    if (fingerprintOf(pem) === wanted) return new X509Certificate(pem).toString();
    throw new ApiError(200, `the CA answered with another root than ${wanted}`, {
      hint: "somebody may be in between: compare the fingerprint on the CA itself",
    });
  }

  async sign(request: SignRequest): Promise<SignedCertificate> {
    const { ca, clock } = this.#options;
    const { root, names, commonName, provisioner } = request;
    const used = await this.#unlocked(request);
    const { der, pem, key } = createCertificateRequest();
    const claims = {
      ...{ provisioner, commonName, names, request: der, nowMs: clock.now() },
      audience: `https://${ca.hostname}:${ca.port}/1.0/sign`,
      keyId: used.provisioner.keyId,
      rootFingerprint: fingerprintOf(root) ?? "",
    };
    const json = { csr: pem, ott: oneTimeToken(claims, used.key) };
    const response = await this.#send("/1.0/sign", { ca: root, timeoutMs: signTimeoutMs }, json);
    const purpose = `sign a certificate for ${commonName}`;
    if (response.status === 401)
      throw refusal(purpose, response, await this.#diagnosis(request, used, response));
    if (response.status !== 201) throw refusal(purpose, response);
    try {
      const chain = verifiedChain(chainOf(response), { key, names, root, nowMs: clock.now() });
      const pkcs8 = key.export({ type: "pkcs8", format: "pem" }).toString();
      return { chain: chain.join(""), key: new Secret(pkcs8) };
    } catch (error) {
      throw new ApiError(201, `the CA did not ${purpose} as asked: ${messageOf(error)}`);
    }
  }

  /** A GET, or a POST of `json`. */
  #send(
    path: string,
    options: Pick<HttpRequest, "ca" | "insecure" | "timeoutMs">,
    json?: unknown,
  ): Promise<HttpResponse> {
    const { network, ca } = this.#options;
    const common = { url: `${ca.url}${path}`, hostname: ca.hostname, ...options };
    if (json === undefined) return network.request({ ...common, method: "GET", effect: "read" });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(json);
    return network.request({ ...common, method: "POST", effect: "change", headers, body });
  }

  async #provisioners(root: string): Promise<readonly Provisioner[]> {
    const found: Provisioner[] = [];
    let cursor = "";
    for (let page = 0; page < maxPages; page += 1) {
      const path = `/provisioners?limit=100&cursor=${encodeURIComponent(cursor)}`;
      const response = await this.#send(path, { ca: root });
      if (response.status !== 200) throw refusal("list its provisioners", response);
      const answer = parseJson(response.text);
      for (const each of objectsOf(member(answer, "provisioners")))
        found.push({
          type: textOf(each, "type"),
          name: textOf(each, "name"),
          keyId: textOf(member(each, "key"), "kid"),
          encryptedKey: textOf(each, "encryptedKey"),
        });
      cursor = textOf(answer, "nextCursor");
      if (cursor === "") break;
    }
    return found;
  }

  /** A CA may have several keys under one name: ours is the one that the password opens. */
  async #unlocked({ root, provisioner: name, password }: SignRequest): Promise<Unlocked> {
    const all = await this.#provisioners(root);
    const ours = all.filter((each) => each.type === "JWK" && each.name === name);
    let failure: unknown;
    for (const provisioner of ours.filter(({ encryptedKey }) => encryptedKey !== "")) {
      try {
        return { provisioner, key: await this.#unlock(provisioner, password) };
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined)
      throw new ApiError(401, `the password does not open the key of the CA's provisioner ${name}`, {
        hint: "the provisioner's password file belongs to another CA, or to another provisioner of it",
        cause: failure,
      });
    if (ours.length > 0)
      throw new ApiError(404, `the CA keeps the key of its provisioner ${name} to itself`, {
        hint: "put `encryptedKey` back into the CA's configuration, or use another JWK provisioner",
      });
    const known = all.map((each) => `${each.name} (${each.type})`).join(", ");
    throw new ApiError(404, `the CA has no JWK provisioner called ${name}`, {
      hint: known === "" ? "it has no provisioner" : `it has ${known}`,
    });
  }

  async #unlock({ encryptedKey }: Provisioner, password: Secret): Promise<KeyObject> {
    const id = `${password.fingerprint()} ${encryptedKey}`;
    const key = this.#keys.get(id) ?? (await provisionerKey(encryptedKey, password));
    this.#keys.set(id, key);
    return key;
  }

  /** Step-CA keeps the reason of a 401 in its log; these are the causes that can be seen from here. */
  async #diagnosis(request: SignRequest, used: Unlocked, response: HttpResponse): Promise<string> {
    const { ca, clock } = this.#options;
    const causes: string[] = [];
    const offset = clock.now() - Date.parse(response.headers.date ?? "");
    if (Math.abs(offset) > clockLeewayMs) {
      const seconds = Math.round(Math.abs(offset) / 1000);
      causes.push(`this machine's clock is ${seconds} s ${offset > 0 ? "ahead of" : "behind"} the CA's`);
    }
    const now = await this.#provisioners(request.root).catch(() => undefined);
    if (now?.some(({ keyId }) => keyId === used.provisioner.keyId) === false)
      causes.push(`its provisioner ${request.provisioner} has got another key in the meantime`);
    if (causes.length > 0) return causes.join("; ");
    return `the CA's log has the reason; among the likely ones: ${ca.hostname} is not in its dnsNames, or it was restarted just now`;
  }
}

interface Provisioner {
  readonly type: string;
  readonly name: string;
  readonly keyId: string;
  readonly encryptedKey: string;
}

interface Unlocked {
  readonly provisioner: Provisioner;
  readonly key: KeyObject;
}

/** `certChain`, or on very old versions the leaf and its issuer. */
function chainOf({ text }: HttpResponse): readonly string[] {
  const answer = parseJson(text);
  const chain = member(answer, "certChain");
  const pems = Array.isArray(chain) ? chain : [member(answer, "crt"), member(answer, "ca")];
  return pems.filter((pem): pem is string => typeof pem === "string" && pem !== "");
}

/** Undefined for text that is not a certificate. */
function fingerprintOf(pem: string): string | undefined {
  try {
    return createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
  } catch {
    return undefined;
  }
}

/** The error for a refusal. It quotes the CA's message, never the request. */
function refusal(purpose: string, { status, text }: HttpResponse, hint?: string): ApiError {
  const reason = textOf(parseJson(text), "message").trim() || `it answered ${status}`;
  return new ApiError(status, `the CA did not ${purpose}: ${reason}`, { hint });
}
