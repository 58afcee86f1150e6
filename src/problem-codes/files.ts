/** PHX00xx and PHX01xx: files that cannot be read, and values that do not fit. */
import { error, warning } from "./kind.ts";

export const fileCodes = {
  PHX0001: error`file not found
    A file that the site needs, or that another file names, does not exist.
    Create the file, or correct the path that names it.`,
  PHX0002: error`not a readable file
    A directory or a device has the name of a file, or the file's permissions do not allow reading it.
    Put a regular file there that the user who runs phoenix may read.`,
  PHX0003: error`file too large
    A configuration file is larger than 16 MiB. It is probably a log or a dump.
    Check which file has this name.`,
  PHX0004: error`not UTF-8 text
    A file has bytes that are not valid UTF-8.
    Save the file as UTF-8.`,
  PHX0005: error`invalid JSON
    A file is not valid JSON. The problem is at the first character that does not fit; the rest of the file was not read.
    Correct the file at this place. Comments and trailing commas are allowed.`,
  PHX0006: error`duplicate key
    An object has the same key twice. JSON does not say which of the two values counts.
    Remove one of them.`,
  PHX0007: error`a link that leads out of the site
    A file or directory of the site is a symbolic link to something outside of it. It is not followed: whoever writes the site could show
    any file that the user of phoenix may read. A secret outside of the site is named by its path: file:/PATH.
    Replace the link by what it leads to.`,
  PHX0101: error`wrong type or value out of range
    A value has the wrong JSON type, or a number is too small or too large.
    Write a value of the expected type. \`phoenix schema\` prints the types of all keys.`,
  PHX0102: warning`secret in clear text
    A password or another secret is written in a file of the site. Everybody who can read the file can read the secret.
    Write a reference instead: env:NAME, file:PATH, age:PATH#KEY or exec:COMMAND.`,
  PHX0103: warning`unknown key
    An object has a key that Phoenix does not know. The key has no effect.
    Remove the key. Keys that begin with _ or # are notes, which Phoenix ignores.`,
  PHX0104: error`missing key
    An object lacks a required key.
    Add the key. \`phoenix schema\` prints which keys an object has.`,
  PHX0105: error`unknown word
    A value must be one of a few words and is not.
    Use one of the words.`,
  PHX0106: error`cannot read a secret
    A reference to a secret (env:, file:, age:, exec:) did not give a value. The message never shows any part of it.
    Set the environment variable, create the file, or correct the reference.`,
  PHX0107: error`misspelled key
    An object has an unknown key that nearly matches a known one. The setting that was meant would silently be lost: a misspelled
    traefik_service takes a service out of DNS, certificate, mesh and gateway.
    Correct the spelling. If the key is a note for yourself, begin it with _.`,
  PHX0108: error`character that cannot be seen
    A name or another text has a control character, a text-direction mark or a character without width. It would be taken for another
    text than the one that is seen, and could move what a terminal shows.
    Remove the character; the message names its code point.`,
  PHX0109: error`invalid setting of the unattended runs
    The hours, the branch or the signers of \`unattended\` cannot be understood. A wrong window would let a run disrupt at any time, or never.
    Correct the value; the hint shows its notation.`,
} as const;
