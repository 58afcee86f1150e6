/** Which certificates are entries of the manifest, with a CA and certificates that are made here. */
import { beforeAll, describe, expect, test } from "vitest";
import { newKey, signCertificate } from "../../lab/x509.ts";
import { parseChain } from "../../src/formats/x509/index.ts";
import type { FoundCertificate, FoundRenewal, FoundWeb } from "../../src/import/found/web.ts";
import { joinCertificates } from "../../src/import/join/certificates.ts";
import { plain } from "../../src/import/json.ts";

const day = 86_400_000;
const now = Date.now();
const web: FoundWeb = { programs: [], servers: [], traefiks: [], authorities: [] };
let root = "";
let leaf: (names: readonly string[], days?: number) => Promise<string>;

beforeAll(async () => {
  const key = newKey();
  const lifetime = { notBeforeMs: now - 10 * day, notAfterMs: now + 100 * day };
  root = await signCertificate({
    ...lifetime,
    names: [],
    subject: "CN=House Root",
    publicKey: key.publicKey,
    pathLength: 1,
    ownKey: key.pem,
  });
  leaf = (names, days = 10) =>
    signCertificate({
      names,
      subject: `CN=${names[0] ?? "x"}`,
      notBeforeMs: now - 10 * day,
      notAfterMs: now + days * day,
      publicKey: newKey().publicKey,
      issuer: { cert: root, key: key.pem },
    });
});

async function found(more: Partial<FoundCertificate> = {}, pem?: string): Promise<FoundCertificate> {
  return {
    certPath: "/tank/certs/a.crt",
    key: { path: "/tank/certs/a.key", mode: "640", owner: "root:www-data" },
    mode: "640",
    owner: "root:www-data",
    seen: { host: "lxc/101", certPath: "/etc/nginx/ssl/a.crt" },
    chain: parseChain(pem ?? (await leaf(["a.lan", "b.lan", "10.0.0.5"]))),
    source: { host: "pve", path: "/tank/certs/a.crt" },
    ...more,
  };
}

const join = (
  certificates: readonly FoundCertificate[],
  renewals: readonly FoundRenewal[] = [],
  authority: string | undefined = root,
) => {
  const { entries, left } = joinCertificates({ certificates, renewals, atMs: now }, web, authority);
  return { entries: entries.map(plain), left: left.map(({ what, reason }) => `${what}: ${reason}`) };
};

describe("a certificate of the site's CA", () => {
  test("is an entry, with the command of who renewed it so far", async () => {
    const renewal = {
      host: "lxc/101",
      certPath: "/etc/nginx/ssl/%i.crt",
      command: "sh -c 'systemctl reload nginx # %i'",
      source: { host: "lxc/101", path: "/etc/systemd/system/renew@.service", line: 3 },
    } as const;
    const { entries, left } = join([await found()], [renewal]);
    expect(entries).toEqual([
      {
        common_name: "a.lan",
        sans: ["b.lan", "10.0.0.5"],
        cert_path: "/tank/certs/a.crt",
        key_path: "/tank/certs/a.key",
        owner: "root:www-data",
        permissions: "640",
        post_renewal_command: `pct exec 101 -- /bin/sh -c 'sh -c '\\''systemctl reload nginx # a'\\'''`,
      },
    ]);
    expect(left).toEqual([
      "the renewal of a.lan: Phoenix renews it once the site is synced: switch this off then",
    ]);
  });

  test("is told with what an entry cannot say of its files", async () => {
    const whole = await found();
    const { key: _, ...withoutKey } = whole;
    const told = (certificate: FoundCertificate): string => join([certificate]).left.join();
    const strict = { path: "/tank/certs/a.key", mode: "600", owner: "root:www-data" };
    expect(told({ ...whole, mode: "644", key: strict })).toContain(
      "644 of the certificate means 640 of the key",
    );
    expect(told({ ...whole, owner: "root:root" })).toContain("two owners, root:root and root:www-data");
    expect(told(withoutKey)).toContain("the key that belongs to it is not beside it");
  });

  test("is told when it has expired, or another has its name", async () => {
    const expired = await found({}, await leaf(["old.lan"], -1));
    const [one, two] = [await found(), await found({ certPath: "/tank/copy/a.crt" })];
    const { entries, left } = join([expired, one, two]);
    expect(entries).toHaveLength(1);
    expect(left[0]).toContain("it has expired");
    expect(left[1]).toContain("/tank/certs/a.crt has the same common name");
  });

  test("of somebody else is told with its issuer", async () => {
    const other = newKey();
    const foreign = await signCertificate({
      names: ["a.lan"],
      subject: "CN=a.lan",
      notBeforeMs: now - day,
      notAfterMs: now + day,
      publicKey: other.publicKey,
      ownKey: other.pem,
    });
    expect(join([await found({}, foreign)]).left[0]).toContain("a.lan issued it, not the site's CA");
  });
});
