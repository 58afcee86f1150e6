/**
 * What is secret by its name or by its look: the one list for everything that must decide without being told. Excerpts of a site's
 * files use it before the site is understood, the reader of a site to know what is written in clear, and differences of texts.
 */

/** Parts of a word that make the whole name secret. */
const anywhere = /passw|passphrase|passcode|secret|credential|cookie|webhook|token(?!iz)/;
/** Words that make a name secret, alone or at the end of another word: "sshpass", "masterauth", "apikey". */
const atTheEnd = /(?:^|(?<!by|com))pass$|(?:^|[a-z])(?:pwd?|auth|keys?)$/;
const alone =
  /^(?:authorization|bearer|claim|dsn|hmac|jwt|mnemonic|otp|pat|pin|private|psk|salt|seed|signature|totp)$/;

/** Last words of names that say where a secret is, whose it is or how it is made. */
const innocentEnd = new Set(
  `file path dir directory host hostname user username name names type mode enabled enable disabled port issuer provider method
  algorithm alg length ttl expiry expires expiration timeout interval lifetime domain realm scope scopes audience id size count policy
  prefix header required server image version`.split(/\s+/),
);
const innocentWord = new Set("max min limit num public primary foreign".split(" "));

/**
 * Whether the value under this name is secret: "DB_PASSWORD", "apiToken", "MYSQL_PWD", "X-Api-Key". Of a dotted name (the key of a
 * label) the last part decides: "traefik.http.middlewares.auth.headers.customrequestheaders.Authorization".
 */
export function isSensitiveName(name: string): boolean {
  if (/auth[._-]?users(?:\[\d+\])?$/i.test(name)) return true;
  const words = (name.split(".").at(-1) ?? "")
    .replace(/\[\d+\]$/, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => !/^\d*$/.test(word));
  const last = words.at(-1) ?? "";
  if (innocentEnd.has(last) || words.some((word) => innocentWord.has(word))) return false;
  // The address of a webhook is the secret; that of a service which hands out tokens is not.
  if (/^(?:url|uri|endpoint)s?$/.test(last)) return words.some((word) => word.includes("webhook"));
  // "auth" and "key" make a name secret only at its end: AUTH_BACKEND, KEY_COUNT.
  return (
    words.some((word) => anywhere.test(word) || alone.test(word) || /(?<!by|com)pass$|^pwd?$/.test(word)) ||
    atTheEnd.test(last) ||
    /connection_?string$/i.test(name)
  );
}

/** The hash of a password as crypt(3), htpasswd and Argon2 write it; in a Compose file each "$" is doubled. */
const passwordHash = String.raw`(?:\$\$?(?:2[abxy]?|apr1|[1567y]|argon2\w*|scrypt|pbkdf2[\w-]*)\$\$?[\w./$=,+-]+|\{(?:S?SHA\d*|SSHA\d*|MD5)\}[\w+/=]+)`;

/**
 * Values that are secret wherever they stand. The group `secret` is the part to hide; without it the whole match is. Prefixes of
 * tokens are those that their issuers publish for scanners.
 */
export const secretLooks: readonly RegExp[] = [
  new RegExp(passwordHash, "g"),
  // Lines of .htdigest: user, realm, MD5.
  /(?<![\w.@-])[\w.@-]{1,80}:[^\s:"',]{1,80}:(?<secret>[0-9a-f]{32})\b/gi,
  // A password in a URL goes up to the last "@"; without a colon, a long user name is a key.
  /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s"'`/:@?#]{0,200}:(?<secret>(?!\$\{?\w+\}?@)[^\s"'`]{1,500})@(?=[\w.[\]$-])/gi,
  /\bhttps?:\/\/(?<secret>[\w-]{16,200})@/gi,
  /[?&](?:access_|refresh_|id_)?(?:token|key|api_?key|auth|sig|signature|password|passwd|pwd|secret|client_secret)=(?<secret>[^\s"'`&#]+)/gi,
  /\bhttps?:\/\/[^\s"'`/]{1,250}\/[^\s"'`]{0,300}?(?:webhooks?(?:b2)?|hooks?|api\/push|with\/key)\/(?<secret>[^\s"'`]{6,})/gi,
  /\bhttps?:\/\/(?:hc-ping\.com|ntfy\.sh)\/(?<secret>[^\s"'`?]+)/gi,
  /\bhttps?:\/\/[^\s"'`/]{0,200}(?:hooks?|webhooks?)\.[^\s"'`/]{1,200}\/(?<secret>[^\s"'`]{8,})/gi,
  /\b(?:bot|tg:\/\/)(?<secret>\d{6,12}:[\w-]{30,})/g,
  /\b(?:gh[opusr]_|github_pat_|glpat-|gldt-|xox[abeoprs]-|sk[-_](?:live_|test_|ant-|proj-)?|rk_live_|npm_|pypi-|dop_v1_|hv[sb]\.|shp(?:at|ss)_|dckr_pat_|ptr_|glsa_|tskey-|SG\.|hf_|AKIA|ASIA|AIza|ya29\.)[\w.+/=-]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  /AGE-SECRET-KEY-1[0-9A-Z]+/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?<secret>[\s\S]*?)(?:-----END|$)/g,
  /\b(?:[Bb]earer|[Bb]asic|[Tt]oken)\s+(?<secret>(?=\S*\d)[\w.~+/-]{8,}=*)/g,
];

/** Words of a command line that are secret by where they stand: behind an option of one letter, or in a pipe. */
export const secretWords: readonly RegExp[] = [
  /\b(?:redis-cli|sshpass|(?:mysql|mariadb)[\w-]*|mosquitto_\w+|docker[\s"',]+login)\b[^\n]{0,200}?[\s"']-[apP](?:["']?,?[ \t]*["']?)(?<secret>[^\s"',\]]+)/g,
  /\b(?:curl|wget)\b[^\n]{0,200}?[\s"'](?:-u|--user)(?:["']?,?[ \t=]*["']?)(?<secret>[^\s"',\]]+)/g,
  /\bhtpasswd[\s"',]+[^\n]{0,200}?-\w*b\w*[^\n]{0,200}?[\s"',]+(?<secret>[^\s"',\]]+)["'\]]*$/gm,
  /\becho[\s"',]+(?<secret>[^\s"',|]+)["']?\s*\|[^\n]{0,200}?--password-stdin/g,
  /(?<![\w-])(?:requirepass|masterauth)\s+["']?(?<secret>[^\s"',]+)/g,
];

/** Whether a value tells nothing: empty, a switch, a reference, a variable without a default, or the path of a file. */
export function isInnocentValue(value: string): boolean {
  return (
    /^(?:true|false|yes|no|on|off|null|none|~|\{\}|\[\]|\(secret(?:#[0-9a-f]{8})?\)|…)?$/i.test(value) ||
    /^(?:env|file|age|exec):(?!\/\/)/.test(value) ||
    /^\$\{?\w+\}?$|^\$\{\w+:?\?[^}]*\}$/.test(value) ||
    /^(?:~|\.{1,2})?(?:\/[\w.@${}-]+){2,}\/?$/.test(value)
  );
}
