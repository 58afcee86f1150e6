/** The page's script and style sheet. The build puts their texts in the place of this file (script/page.mjs). */

export interface Assets {
  /** For browsers; it finds its element by the id "page". */
  readonly script: string;
  readonly style: string;
}

export const assets: Assets = { script: "", style: "" };
