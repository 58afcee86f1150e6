/** What makes an editor complete the site's files and mark mistakes in them: schemas, and where they count. Pure. */
import { fileShapes, jsonSchema, schemaFileName } from "./schemas.ts";

/** A file to write, by its path below the site's root. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** Only its owner may read it. */
  readonly secret?: true;
}

/** The directory of the schemas below the site's root. */
export const schemaDirectory = ".schemas";

type SchemaName = keyof typeof fileShapes;

const names = Object.keys(fileShapes) as readonly SchemaName[];

/** The value of `$schema` in a file of the site. */
export function schemaReference(name: SchemaName): string {
  const depth = fileShapes[name].file.split("/").length - 1;
  return `${"../".repeat(depth)}${schemaDirectory}/${schemaFileName(name)}`;
}

export function editorFiles(): readonly NewFile[] {
  const settings = {
    "json.schemas": names.map((name) => ({
      fileMatch: [`/${fileShapes[name].file.replace("NAME", "*")}`],
      url: `./${schemaDirectory}/${schemaFileName(name)}`,
    })),
    // The site's files may have comments.
    "files.associations": { "**/etc/*.json": "jsonc", "**/stacks/*/phoenix.json": "jsonc" },
  };
  return [
    ...names.map((name) => ({
      path: `${schemaDirectory}/${schemaFileName(name)}`,
      text: textOf(jsonSchema(name)),
    })),
    { path: ".vscode/settings.json", text: textOf(settings) },
  ];
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
