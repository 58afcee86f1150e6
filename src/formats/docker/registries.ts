/** Which registry an image comes from. Pure. */

interface Registry {
  /** "ghcr.io", "registry.gitlab.com/group". */
  readonly url: string;
  /** "" where it needs none. */
  readonly username: string;
}

/** The registry with credentials whose URL an image's name begins with: the one that says most of it. Pure. */
export function registryOf<R extends Registry>(image: string, registries: readonly R[]): R | undefined {
  const name = fullName(image);
  return registries
    .filter(({ url, username }) => username !== "" && `${name}/`.startsWith(`${plain(url)}/`))
    .sort((a, b) => plain(b.url).length - plain(a.url).length)[0];
}

/** As a person may have written it: with a scheme, a slash at its end, or Docker Hub's other names. */
function plain(url: string): string {
  const name = url
    .toLowerCase()
    .replace(/^\w+:\/\//, "")
    .replace(/\/+$/, "");
  return name.replace(/^(index\.docker\.io|registry-1\.docker\.io|hub\.docker\.com)(\/v\d)?$/, "docker.io");
}

/** "ghcr.io/a/b", "docker.io/library/nginx": without tag and digest. */
function fullName(image: string): string {
  const [name = ""] = image.split("@");
  const untagged = name.replace(/:[^/:]+$/, "").toLowerCase();
  const [first = "", ...rest] = untagged.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  if (hasHost) return untagged;
  return `docker.io/${rest.length === 0 ? `library/${first}` : untagged}`;
}

/** The host that an image is pulled from: "ghcr.io", "registry.example.net:5000"; Docker Hub's answers on registry-1.docker.io. */
export function registryHost(image: string): string {
  const [host = ""] = fullName(image).split("/");
  return host === "docker.io" ? "registry-1.docker.io" : host;
}
