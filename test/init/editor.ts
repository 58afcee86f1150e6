/** An editor as Visual Studio Code is one: its language service for JSON, with a site's own settings and schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getLanguageService, TextDocument } from "vscode-json-languageservice";

export interface Editor {
  /** The messages of the diagnostics of a file, with the text that is marked. */
  marks(path: string, edit?: (text: string) => string): Promise<readonly string[]>;
  /** What is offered behind `before` in a file: labels of the completions. */
  offers(path: string, before: string): Promise<readonly string[]>;
  /** What is shown over `word` in a file. */
  explains(path: string, word: string): Promise<string>;
}

interface Settings {
  readonly "json.schemas": readonly { readonly fileMatch: readonly string[]; readonly url: string }[];
  readonly "files.associations": Readonly<Record<string, string>>;
}

/** @param usesSettings whether the editor reads .vscode/settings.json, as others than VS Code do not */
export function openEditor(root: string, usesSettings: boolean): Editor {
  const rootUri = pathToFileURL(root).toString();
  const service = getLanguageService({
    schemaRequestService: async (uri) => readFileSync(fileURLToPath(uri), "utf8"),
    workspaceContext: {
      resolveRelativePath: (path, resource) => new URL(path, resource).toString(),
    },
  });
  const settings: Settings = JSON.parse(readFileSync(join(root, ".vscode/settings.json"), "utf8"));
  service.configure({
    validate: true,
    allowComments: true,
    schemas: (usesSettings ? settings["json.schemas"] : []).map(({ fileMatch, url }) => ({
      fileMatch: fileMatch.map((pattern) => rootUri + pattern),
      uri: new URL(url, `${rootUri}/`).toString(),
    })),
  });
  const open = (path: string, edit: (text: string) => string = (text) => text) => {
    const uri = pathToFileURL(join(root, path)).toString();
    const document = TextDocument.create(uri, "jsonc", 1, edit(readFileSync(join(root, path), "utf8")));
    return { document, json: service.parseJSONDocument(document) };
  };
  return {
    marks: async (path, edit) => {
      const { document, json } = open(path, edit);
      const found = await service.doValidation(document, json, {
        comments: "ignore",
        trailingCommas: "ignore",
      });
      return found.map(({ message, range }) => `${document.getText(range)}: ${message}`);
    },
    offers: async (path, before) => {
      const { document, json } = open(path);
      const at = document.getText().indexOf(before);
      if (at < 0) throw new Error(`${path} has no ${before}`);
      const found = await service.doComplete(document, document.positionAt(at + before.length), json);
      return (found?.items ?? []).map(({ label }) => label);
    },
    explains: async (path, word) => {
      const { document, json } = open(path);
      const at = document.getText().indexOf(word);
      const hover = await service.doHover(document, document.positionAt(at + 2), json);
      return JSON.stringify(hover?.contents ?? "");
    },
  };
}
