/** What the mesh's own files declare that labels may name with `@file`, and its plugins. They are only read. */
import { membersOf } from "../../formats/json/index.ts";
import { type DeclaredElsewhere, declaredNames } from "../../formats/traefik/configuration.ts";
import { parseConfiguration } from "../../formats/traefik/index.ts";
import type { Host } from "../../hosts/host.ts";
import { configurationFiles } from "./activate.ts";
import { paths } from "./compile.ts";

/** Reads the other files of the watched directory and the static configuration; what they cannot be read for is not declared. */
export async function declaredElsewhere(mesh: Host): Promise<DeclaredElsewhere> {
  const names = (await configurationFiles(mesh)).map((name) => `${paths.directory}/${name}`);
  const foreign = names.filter((path) => path !== paths.configuration && !path.endsWith(".toml"));
  const files = await mesh.readFiles([...foreign, paths.static]);
  const declared = foreign.map((path) => declaredNames(files.get(path)?.text ?? ""));
  const { experimental } = parseConfiguration(files.get(paths.static)?.text ?? "");
  const { plugins, localPlugins } = membersOf(experimental);
  return {
    middlewares: declared.flatMap(({ middlewares }) => middlewares),
    serversTransports: declared.flatMap(({ serversTransports }) => serversTransports),
    plugins: [plugins, localPlugins].flatMap((each) => Object.keys(membersOf(each))),
  };
}
