/** What packages put on a host: the files that are there before Phoenix comes. */
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";

/** Writes a package's files where they are not there yet: dpkg keeps what an administrator changed. */
export function writeDistributionFiles({ files, facts }: Lab, host: HostName, unit: string): void {
  const gateway = facts.guests.find((guest) => guest.host === facts.roles.gateway)?.address;
  const texts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    dnsmasq: dnsmasqFiles,
    nginx: nginxFiles,
    traefik: { "/etc/traefik/traefik.yml": traefikStatic(gateway) },
  };
  for (const [path, text] of Object.entries(texts[unit] ?? {}))
    if (files.status(host, path) === undefined) files.write(host, path, text);
  const directories: Readonly<Record<string, readonly string[]>> = {
    dnsmasq: ["/etc/dnsmasq.d"],
    nginx: [
      "/etc/nginx/sites-available",
      "/etc/nginx/sites-enabled",
      "/etc/nginx/conf.d",
      "/etc/nginx/modules-enabled",
    ],
    traefik: ["/etc/traefik/dynamic"],
  };
  for (const path of directories[unit] ?? []) files.makeDirectory(host, path);
  const enabled = "/etc/nginx/sites-enabled/default";
  if (unit === "nginx" && files.status(host, enabled, false) === undefined)
    files.makeLink(host, "/etc/nginx/sites-available/default", enabled);
}

const dnsmasqFiles = {
  "/etc/dnsmasq.conf": `# Configuration file for dnsmasq.
#
# Format is one option per line, legal options are the same
# as the long options legal on the command line.

#port=5353
#domain-needed
#bogus-priv
#conf-dir=/etc/dnsmasq.d/,*.conf
`,
  "/etc/dnsmasq.d/README": `# All files in this directory will be read by dnsmasq as
# configuration files, except if their names end in
# ".dpkg-dist",".dpkg-old" or ".dpkg-new"
`,
};

const nginxFiles = {
  "/etc/nginx/nginx.conf": `user www-data;
worker_processes auto;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
include /etc/nginx/modules-enabled/*.conf;

events {
	worker_connections 768;
}

http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;

	include /etc/nginx/mime.types;
	default_type application/octet-stream;

	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_prefer_server_ciphers on;

	access_log /var/log/nginx/access.log;
	gzip on;

	include /etc/nginx/conf.d/*.conf;
	include /etc/nginx/sites-enabled/*;
}
`,
  "/etc/nginx/mime.types": `types {
    text/html  html htm shtml;
    text/css   css;
    text/plain txt;
    application/javascript js;
    image/png  png;
}
`,
  "/etc/nginx/sites-available/default": `server {
	listen 80 default_server;
	listen [::]:80 default_server;

	root /var/www/html;
	index index.html index.htm index.nginx-debian.html;

	server_name _;

	location / {
		try_files $uri $uri/ =404;
	}
}
`,
  "/var/www/html/index.nginx-debian.html":
    "<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n",
};

/** A static configuration as people have it: an HTTP entry point behind the gateway, and a watched directory. */
function traefikStatic(gateway: string | undefined): string {
  return `global:
  checkNewVersion: false
  sendAnonymousUsage: false
entryPoints:
  web:
    address: ":80"
${gateway === undefined ? "" : `    forwardedHeaders:\n      trustedIPs:\n        - ${gateway}/32\n`}  traefik:
    address: ":8080"
providers:
  file:
    directory: /etc/traefik/dynamic
    watch: true
api:
  dashboard: true
  insecure: true
ping: {}
`;
}
