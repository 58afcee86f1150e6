/** One-time tokens: what Step-CA checks before it signs (certificates v0.30 authority/authorize.go, provisioner/jwk.go). */
import { createHash } from "node:crypto";
import { decodeProtectedHeader, importJWK, type JWTPayload, jwtVerify } from "jose";
import type { Authority, Provisioner } from "./authority.ts";
import { Refusal } from "./refusal.ts";

export interface SignToken {
  readonly subject: string;
  readonly names: readonly string[];
  readonly provisioner: Provisioner;
  /** SHA-256 of the only request that it is good for, base64url. */
  readonly requestHash?: string;
}

/** How far clocks may differ. Seconds. */
const leeway = 60;

/** @throws Refusal 401, always with the same words to the client */
export async function authorizeSign(authority: Authority, token: string): Promise<SignToken> {
  const provisioner = provisionerOf(authority, token);
  const claims = await verified(authority, token, provisioner);
  const { sub = "", aud, iat, jti, exp = 0 } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud ?? ""];
  if (!audiences.some((audience) => isOurs(authority, audience)))
    throw new Refusal(401, `token has invalid audience claim (aud): ${audiences.join(", ")}`);
  if (sub === "") throw new Refusal(401, "token subject cannot be empty");
  // A CA forgets used tokens when its database is lost; so it takes none from before its start.
  if (iat !== undefined && iat < Math.floor(authority.startedMs() / 1000))
    throw new Refusal(401, "token issued before the bootstrap of certificate authority");
  const id = jti ?? createHash("sha256").update(token).digest("hex");
  if (!authority.useToken(id, exp * 1000)) throw new Refusal(401, "token already used");
  const sans = claims.sans;
  const confirmation = claims.cnf;
  const hash =
    typeof confirmation === "object" && confirmation !== null && "x5rt#S256" in confirmation
      ? String(confirmation["x5rt#S256"])
      : undefined;
  return {
    subject: sub,
    names: Array.isArray(sans) && sans.length > 0 ? sans.map(String) : [sub],
    provisioner,
    ...(hash === undefined ? {} : { requestHash: hash }),
  };
}

/** Found by the token's issuer and key id together. */
function provisionerOf({ provisioners }: Authority, token: string): Provisioner {
  try {
    const { kid } = decodeProtectedHeader(token);
    const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const issuer =
      typeof payload === "object" && payload !== null && "iss" in payload ? payload.iss : undefined;
    const found = provisioners.find(
      ({ type, name, key }) => type === "JWK" && name === issuer && key.kid === kid,
    );
    if (found !== undefined) return found;
  } catch {
    throw new Refusal(401, "error parsing token");
  }
  throw new Refusal(401, "provisioner not found or invalid audience");
}

async function verified(
  authority: Authority,
  token: string,
  { key, name }: Provisioner,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, await importJWK({ ...key, kty: "EC" }, "ES256"), {
      issuer: name,
      currentDate: new Date(authority.now()),
      clockTolerance: leeway,
    });
    return payload;
  } catch (error) {
    throw new Refusal(401, error instanceof Error ? error.message : String(error));
  }
}

/** The port is left out; host and path must match a name of the CA exactly. */
function isOurs({ dnsNames }: Authority, audience: string): boolean {
  if (audience === "step-certificate-authority") return true;
  const [, host = "", path = ""] = /^https:\/\/([^/:]+|\[[^\]]+\])(?::\d+)?(\/.*)$/.exec(audience) ?? [];
  return dnsNames.includes(host) && (path === "/1.0/sign" || path === "/sign");
}
