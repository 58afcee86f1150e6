/** Conditions of circuitBreaker and buffering: functions that are compared with literals (3.0.4 and 3.7.15 agree). Pure. */

interface Vocabulary {
  /** Whole comparisons and conditions. */
  readonly terms: RegExp;
  readonly functions: readonly string[];
}

const order = String.raw`\s*(?:==|!=|<=|>=|<|>)\s*`;
const exponent = String.raw`[eE][+-]?\d+`;
const fraction = String.raw`(?:(?:\d+\.\d*|\.\d+)(?:${exponent})?|\d+${exponent})`;
const integer = String.raw`\d+(?![.\deE])`;
const text = '(?:"[^"\\\\]*"|`[^`]*`)';

/** A call with these arguments, and what it is compared with. */
function call(name: string, given: readonly string[], compared = ""): string {
  return String.raw`${name}\s*\(\s*${given.join(String.raw`\s*,\s*`)}\s*\)${compared}`;
}

function vocabulary(...terms: readonly string[]): Vocabulary {
  return {
    terms: new RegExp(String.raw`(?<![\w.])(?:${terms.join("|")})(?![\w.])`, "g"),
    functions: terms.map((term) => /^\w+/.exec(term)?.[0] ?? ""),
  };
}

const vocabularies = {
  circuitBreaker: vocabulary(
    call("NetworkErrorRatio", [], order + fraction),
    call("ResponseCodeRatio", [integer, integer, integer, integer], order + fraction),
    call("LatencyAtQuantileMS", [fraction], order + integer),
  ),
  buffering: vocabulary(
    call("Attempts", [], order + integer),
    call("ResponseCode", [], order + integer),
    call("RequestMethod", [], String.raw`\s*[=!]=\s*${text}`),
    call("IsNetworkError", []),
  ),
} as const;

/** Why Traefik refuses a condition; undefined when it takes it. */
export function conditionFault(condition: string, of: keyof typeof vocabularies): string | undefined {
  const { terms, functions } = vocabularies[of];
  const bare = condition.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, " ");
  if (bare.trim() === "") return "the condition is empty";
  const unknown = [...bare.matchAll(/(\w+)\s*\(/g)].find(([, name = ""]) => !functions.includes(name));
  if (unknown !== undefined) return `unknown function ${unknown[1]}() in the condition`;
  // The notation is Go's: a line that ends in an operand ends the expression.
  if (/[\w)"`][ \t]*\n\s*\S/.test(bare)) return "the condition has an operator at the beginning of a line";
  // Every comparison becomes a mark, and what is made of marks becomes one.
  let shape = bare.replace(terms, mark);
  for (let before = ""; before !== shape; ) {
    before = shape;
    shape = shape.replace(compound, mark);
  }
  if (shape.trim() === mark) return undefined;
  return `${JSON.stringify(condition)} is not a valid condition of ${functions.join(", ")}`;
}

/** A character that no condition has. */
const mark = "\0";
const compound = new RegExp(String.raw`\(\s*${mark}\s*\)|${mark}\s*(?:&&|\|\|)\s*${mark}`, "g");
