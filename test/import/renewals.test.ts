import { describe, expect, test } from "vitest";
import { renewalsIn } from "../../src/import/read/renewals.ts";

const cron = { host: "lxc/101", path: "/etc/cron.d/renew" } as const;
const unit = { host: "pve", path: "/etc/systemd/system/cert-renewer@.service" } as const;

describe("who renews a certificate", () => {
  test("a line of cron, with the command that runs afterwards", () => {
    const text = `# step ca renew /not/this.crt /not/this.key
*/15 * * * * root /usr/bin/step ca renew --force --expires-in 8h --exec "systemctl reload nginx" /etc/nginx/ssl/a.crt /etc/nginx/ssl/a.key
`;
    expect(renewalsIn(cron, text)).toEqual([
      {
        host: "lxc/101",
        certPath: "/etc/nginx/ssl/a.crt",
        command: "systemctl reload nginx",
        source: { ...cron, line: 2 },
      },
    ]);
  });

  test("the unit of smallstep's instructions, with its variables", () => {
    const text = `[Service]
Environment=STEPPATH=/etc/step-ca \\
Environment=CERT_LOCATION=/etc/step/certs/%i.crt
Environment="KEY_LOCATION=/etc/step/certs/%i.key"
ExecStart=/usr/bin/step ca renew --force \${CERT_LOCATION} \${KEY_LOCATION}
ExecStartPost=-/usr/bin/systemctl try-reload-or-restart %i
`;
    expect(renewalsIn(unit, text)).toMatchObject([
      { certPath: "/etc/step/certs/%i.crt", command: "/usr/bin/systemctl try-reload-or-restart %i" },
    ]);
  });

  test.each([
    ["no path", "* * * * * root step ca renew --help"],
    ["a relative path", "* * * * * root step ca renew a.crt a.key"],
    ["another command", "* * * * * root step ca certificate a.lan /a.crt /a.key"],
    ["an open quote", "* * * * * root step ca renew 'x"],
  ])("nothing is made of %s", (_, line) => {
    expect(renewalsIn(cron, line)).toEqual([]);
  });
});
