/** Did you mean: the same for words on the command line as for keys in the site's files. */
export { nearest } from "../formats/nearest.ts";
