/** What is secret by its name or its look, in the lines that people write; and what is not. */
import { describe, expect, test } from "vitest";
import { withoutSecretLooks, withoutSecrets } from "../../src/secret-spans.ts";
import { isSensitiveName } from "../../src/sensitive.ts";

/** Each line has a canary: nothing of it may be left. */
describe("hidden", () => {
  test.each(
    `
    DATABASE_URL: postgres://u:CANARY@db/x
    DATABASE_URL=postgres://u:CAN/ARY@CANARY@db/x
    REDIS_URL: "redis://:CANARY@cache:6379/0"
    SENTRY: https://CANARYabcdefabcdef12345678@o1.ingest.sentry.io/12
    image_url: https://x.example/y?size=1&access_token=CANARY&z=1
    MYSQL_PWD: CANARY
    SMTP_PW=CANARY
    - SMTP_PASS=CANARY with words
    "JWT": "CANARY"
    JWT_SECRET=CANARY
    GITHUB_PAT: CANARY
    PGPASSWORD=CANARY pg_dump
    sshpass -p CANARY ssh pve
    curl -u admin:CANARY https://x
    redis-cli -h cache -a CANARY ping
    command: redis-server --requirepass CANARY --appendonly yes
    command: ["redis-server", "--requirepass", "CANARY"]
    requirepass CANARY
    entrypoint: ["app", "--admin-token=CANARY", "--port", "80"]
    - --db-password=CANARY
    url: https://discord.com/api/webhooks/123456789/CANARY-xyz
    url: https://hooks.slack.com/services/T0/B0/CANARY
    url: https://acme.webhook.office.com/webhookb2/CANARY@x/IncomingWebhook/y
    url: https://chat.example.net/hooks/CANARYCANARY
    NOTIFY: telegram://123456789:CANARYCANARYCANARYCANARYCANARY00@telegram
    WEBHOOK_URL=https://x.example/CANARY
    PASSPHRASE: CANARY horse battery staple # from the safe
    RESTIC_PASSWORD: "CANARY horse battery staple"
    "admin_password": CANARY of several words,
    "admin_password": "CAN"CANARY",
    "admin_password": "CANARY
    admin_password: 'CANARY
    { "name": "API_KEY", "value": "CANARY" }
    traefik.http.middlewares.a.basicauth.users=admin:$$2y$$05$$CANARY.abcdefghij
    - "traefik.http.middlewares.a.digestauth.users=ops:traefik:CANARY"
    - "traefik.http.middlewares.a.headers.customrequestheaders.Authorization=Basic CANARY"
    traefik.http.middlewares.a.headers.customrequestheaders.X-Api-Key: CANARY
    "customRequestHeaders": { "Cookie": "CANARY=x; y" }
    "users": ["admin:CANARY"]
    - "ops:$apr1$CANARY$abcdefghijklmnopqrstu."
    ops:{SHA}CANARYabcdefghijklmnopqrst=
    Authorization: Bearer CANARY1CANARY
    X-Api-Key: CANARY
    DB_PASSWORD: ${"$"}{DB_PASSWORD:-CANARY}
    accessKey = CANARY
    AWS_SECRET_ACCESS_KEY=CANARY
    anything: ghp_CANARYCANARYCANARYCANARYCANARY000000
    anything: eyJhbGciOiJIUzI1NiJ9.CANARYCANARY.CANARYCANARY
    anything: AGE-SECRET-KEY-1CANARY
    proxy_set_header X-Api-Key CANARY;
    proxy_set_header Authorization "Basic CANARY";
    add_header Set-Cookie "session=CANARY";
    PLEX_CLAIM=claim-CANARY
    url: https://hc-ping.com/CANARY-1234
    url: https://uptime.example.net/api/push/CANARY?status=up
    url: https://maker.ifttt.com/trigger/x/with/key/CANARY
    url: https://ha.example.net/api/webhook/CANARY
    test: ["CMD", "redis-cli", "-a", "CANARY", "ping"]
    test: mysqladmin ping -uroot -pCANARY
    mosquitto_pub -u u -P CANARY
    docker login -u u -p CANARY registry.example.net
    echo CANARY | docker login --password-stdin
    htpasswd -b -c users ops CANARY
    users = ["admin:CANARY", "ops:CANARY"]
    CONNECTION_STRING="Server=db;User Id=sa;Password=CANARY;"
    `
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  )("%s", (line) => {
    expect(withoutSecrets(line)).not.toContain("CANARY");
    expect(withoutSecrets(line)).toContain("(secret)");
  });

  test.each([
    ["a block", "PRIVATE_KEY: |\n  CANARY\n  CANARY\nport: 1"],
    ["a folded block", "environment:\n  DB_PASSWORD: >-\n    CANARY\n    CANARY\n  PORT: 1"],
    ["a list", "tokens:\n  - CANARY\n  - 'CANARY b'\nport: 1"],
    ["a list in JSON", '"tokens": [\n  "CANARY",\n  "CANARY"\n],\n"port": 1'],
    ["a value below its key", '"password":\n  "CANARY",\n"port": 1'],
    ["a name above its value", "- name: API_KEY\n  value: CANARY\n- name: PORT\n  value: 1"],
    ["a value above its name", "- value: CANARY\n  name: API_KEY\n- name: PORT\n  value: 1"],
    ["an object of several lines", '{\n  "name": "DB_PASSWORD",\n  "value": "CANARY"\n}, { "port": 1 }'],
    ["an option above its value", "command:\n  - --requirepass\n  - CANARY\n  - --port\n  - 1"],
    ["an option above its value in JSON", '[\n  "--password",\n  "CANARY",\n  "--port"\n]'],
    ["users of a Traefik file", "basicAuth:\n  users:\n    - 'ops:CANARY'\n    - ops:CANARY\n  realm: 1"],
    ["a private key", "x: |\n  -----BEGIN PRIVATE KEY-----\n  CANARY\n  -----END PRIVATE KEY-----\nport: 1"],
  ])("%s", (_, text) => {
    const clean = withoutSecrets(text);
    expect(clean).not.toContain("CANARY");
    expect(clean.split("\n").at(-1)).toBe(text.split("\n").at(-1));
    expect(clean.split("\n")).toHaveLength(text.split("\n").length);
  });
});

describe("shown", () => {
  test.each([
    '"admin_password": "file:secrets/admin"',
    "DB_PASSWORD: ${DB_PASSWORD}",
    "DB_PASSWORD: ${DB_PASSWORD:?set it}",
    "ADMIN_PASSWORD_FILE: /run/secrets/admin",
    '"key_path": "/etc/ssl/private/gateway.key"',
    "AUTH_ENABLED: true",
    "KEYCLOAK_HOSTNAME: auth.example.net",
    "TOKEN_URL: https://auth.example.net/token",
    "MAX_TOKENS: 4096",
    "traefik.http.routers.authelia.rule=Host(`auth.example.net`)",
    "user: 1000:1000",
    "image: registry.example.net:5000/app:1.2",
    "secrets:\n  - db_password",
    "git: ssh://git@example.net/x.git",
    "db: postgres://user@db/x",
    "ports: 10.0.0.1:8080:80",
  ])("%s", (line) => {
    expect(withoutSecrets(line)).toBe(line);
  });

  test("prose with such words in it", () => {
    const prose =
      "cannot read the secret: the password: is too short, token expired; use basic authentication";
    expect(withoutSecretLooks(prose)).toBe(prose);
    expect(withoutSecretLooks("dial postgres://u:CANARY@db: refused")).not.toContain("CANARY");
  });
});

describe("names", () => {
  test.each(
    "DB_PASSWORD apiToken X-Api-Key MYSQL_PWD AUTH PIN_CODE_SALT basicAuthUsers secretKey OAUTH".split(" "),
  )("%s is secret", (name) => expect(isSensitiveName(name)).toBe(true));
  test.each("PORT AUTHOR MONKEY_COUNT PASSIVE_MODE AUTH_BACKEND KEY_COUNT PUBLIC_KEY bypass PATH".split(" "))(
    "%s is not",
    (name) => expect(isSensitiveName(name)).toBe(false),
  );
});

test("a large file is read in time that grows with its size", () => {
  for (const unit of [
    '{"password":"x","a":[',
    "http://",
    "a: b://c:",
    "redis-cli ",
    '"',
    "a.",
    "a",
    "a-",
    "--a ",
    "- name: x\n",
    "$2y$",
  ]) {
    const started = performance.now();
    withoutSecrets(unit.repeat(Math.ceil(100_000 / unit.length)));
    expect(performance.now() - started, unit).toBeLessThan(2_000);
  }
});
